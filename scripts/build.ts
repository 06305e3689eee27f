/**
 * Bundles what users install: the command with everything private inside, and the two published libraries.
 * `npm ci` runs it by itself; it takes about a second.
 */
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  conditions: ['lmapp-source'],
  // jsonc-parser's other build asks for its parts in a way that no bundler follows.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  charset: 'utf8',
  legalComments: 'none',
}

for (const name of ['kit', 'client', 'cli']) rmSync(`${root}packages/${name}/dist`, { recursive: true, force: true })
rmSync(`${root}plugins/embedded/dist`, { recursive: true, force: true })

await Promise.all([
  build({
    ...common,
    entryPoints: {
      main: 'packages/cli/src/main.ts',
      service: 'packages/cli/src/service/service.ts',
      'store-worker': 'packages/core/src/store/worker.ts',
    },
    outdir: 'packages/cli/dist',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { 'process.env.LMAPP_BUNDLED': '"1"' },
    // Some dependencies are CommonJS inside and ask for builtins by `require`.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  }),
  build({
    ...common,
    entryPoints: {
      index: 'packages/kit/src/index.ts',
      'gguf/index': 'packages/kit/src/gguf/index.ts',
      'schema/index': 'packages/kit/src/schema/index.ts',
      'testkit/index': 'packages/kit/src/testkit/index.ts',
      'transcripts/index': 'packages/kit/src/transcripts/index.ts',
    },
    outdir: 'packages/kit/dist',
    splitting: true,
    external: ['zod'],
  }),
  build({
    ...common,
    entryPoints: { index: 'packages/client/src/index.ts', node: 'packages/client/src/node.ts' },
    outdir: 'packages/client/dist',
    splitting: true,
    external: ['lmapp-kit'],
  }),
  build({
    ...common,
    entryPoints: { main: 'plugins/embedded/src/main.ts' },
    outdir: 'plugins/embedded/dist',
    external: ['node-llama-cpp'],
  }),
])

// Beside the command: the default plugin, what `backends new` begins with, and the SDKs that it copies.
const shipped = `${root}packages/cli/dist`
const isSource = (path: string) => !path.includes('__pycache__')
for (const [from, to] of [
  ['plugins/embedded/lmapp-backend.json', 'embedded/lmapp-backend.json'],
  ['plugins/embedded/dist', 'embedded/dist'],
  ['packages/cli/templates', 'templates'],
  ['packages/kit/package.json', 'sdk/node/package.json'],
  ['packages/kit/dist', 'sdk/node/dist'],
  ['sdk/python/src/lmapp_backend', 'sdk/python'],
]) {
  cpSync(`${root}${from}`, `${shipped}/${to}`, { recursive: true, filter: isSource })
}
