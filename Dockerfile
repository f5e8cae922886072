# One image for every role: `serve --roles …` and `migrate` are its arguments. It brings no broker and no database.

FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts

# Bun and better-sqlite3 need glibc and libstdc++, and nothing else: no shell, no package tools.
FROM gcr.io/distroless/cc-debian12:nonroot
WORKDIR /app
COPY --from=packages /usr/local/bin/bun /usr/local/bin/bun
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY drizzle ./drizzle
# Bun keeps no cache of what it compiles: the root may be read-only.
ENV NODE_ENV=production BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
# By number, so that a cluster that demands runAsNonRoot can tell.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/bun", "/app/src/main.ts"]
CMD ["serve"]
