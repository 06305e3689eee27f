import { describeBackend } from 'lmapp-kit/testkit'
import { createEmbeddedBackend } from './backend.ts'
import { keepAlive } from './fixtures/keep-alive.ts'
import { realConfig } from './fixtures/real-model.ts'

keepAlive()

await describeBackend({
  name: 'embedded, in this process',
  open: async () => createEmbeddedBackend(realConfig),
  model: 'smol',
  schemaModel: 'smol',
})
