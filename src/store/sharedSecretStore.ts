/** Random texts that all nodes of a database share. */
export interface SharedSecretStore {
  /** Gives the secret of this name, which is `candidate` unless there is one already: all who ask get the same. */
  sharedSecret(name: string, candidate: string): Promise<string>;
}
