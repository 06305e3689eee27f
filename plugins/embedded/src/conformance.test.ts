import { describeBackend } from 'lmapp-kit/testkit'
import { createEmbeddedBackend } from './backend.ts'
import { realConfig } from './fixtures/real-model.ts'

await describeBackend({
  name: 'embedded, in this process',
  open: async () => createEmbeddedBackend(realConfig),
  model: 'smol',
  schemaModel: 'smol',
})
