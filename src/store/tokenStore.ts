/** Who may use the API. */
import type { Reach } from "../domain/reach";
import type { Page, PageRequest } from "./pages";

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** The sensors that it is limited to; null for all. */
  readonly reach: Reach | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

export interface TokenDraft extends Pick<TokenRecord, "id" | "name" | "scopes" | "expiresAt"> {
  readonly hash: string;
  readonly reach?: Reach | null;
}

/** What may be edited: what a token may do stays as it was made. */
export type TokenEdit = Partial<Pick<TokenRecord, "name" | "expiresAt">>;

export interface TokenStore {
  /** `hash`: SHA-256 of the token, hex. Throws conflict when the hash is there. */
  createToken(token: TokenDraft): Promise<TokenRecord>;
  /** One for each hash, in their order. */
  findTokens(hashes: readonly string[]): Promise<(TokenRecord | null)[]>;
  getToken(id: string): Promise<TokenRecord | null>;
  /** `unchanged`: it was already what it was to be. Throws notFound. */
  updateToken(id: string, edit: TokenEdit): Promise<{ readonly record: TokenRecord; readonly unchanged: boolean }>;
  touchToken(id: string, usedAt: number): Promise<void>;
  listTokens(page: PageRequest): Promise<Page<TokenRecord>>;
  /** Throws notFound. */
  deleteToken(id: string): Promise<void>;
}
