import assert from 'node:assert/strict'
import { startTestService, type TestService } from '../../../testing/test-app.ts'

/** A service whose engine sees images and keeps to schemas. Nothing unforeseen may have happened when it ends. */
export async function openService(): Promise<TestService> {
  const service = await startTestService()
  const info = await service.backend.backend.getInfo()
  const capabilities = { ...info.capabilities, vision: 'yes', 'json-schema': 'yes' }
  Object.assign(service.backend.backend, { getInfo: async () => ({ ...info, capabilities }) })
  const dispose = service[Symbol.asyncDispose].bind(service)
  service[Symbol.asyncDispose] = async () => {
    await dispose()
    assert.deepEqual(service.bugs, [])
  }
  return service
}
