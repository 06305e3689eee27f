import { describeBackend } from '../describe-backend.ts'
import { createMockHarness } from '../fixtures/mock-harness.ts'

await describeBackend(createMockHarness({ name: 'mock, able to do everything' }))
await describeBackend(createMockHarness({ name: 'mock, able to chat only', model: 'plain' }))
await describeBackend(createMockHarness({ name: 'mock, in its own time', model: 'paced' }))
