import { serve } from 'lmapp-kit'
import { createEmbeddedBackend, version } from './backend.ts'

await serve({
  name: 'embedded',
  version,
  open: ({ config, log, stateChanged }) => createEmbeddedBackend(config, { log, stateChanged }),
})
