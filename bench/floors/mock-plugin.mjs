/** The mock as a plugin, on the kit as it is built. `config` is the mock's own. */
import { serve } from '../../packages/kit/dist/index.js'

await serve({
  name: 'mock',
  version: '1',
  open: async ({ config }) => (await import('../../packages/kit/dist/testkit/index.js')).createMockBackend(config),
})
