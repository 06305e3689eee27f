import { serve } from 'lmapp-kit'
import { createNodeCliBackend, version } from './backend.ts'

await serve({
  name: 'node-cli',
  version,
  open: ({ config, secrets, dataDir, modelsChanged }) =>
    createNodeCliBackend(config, {
      dataDir,
      ...(secrets.apiKey !== undefined && { apiKey: secrets.apiKey }),
      log: (line) => process.stderr.write(`${line}\n`),
      modelsChanged,
    }),
})
