/** The suite that judges every backend, over a server that follows a script; `test/engines` has the real ones. */
import { after } from 'node:test'
import { describeBackend } from 'lmapp-kit/testkit'
import { faults, openDictated } from './testing/dictated-server.ts'
import { open } from './testing/open-compatible.ts'

const server = await openDictated()
after(() => server[Symbol.asyncDispose]())

await describeBackend({
  name: 'the conformance suite over a server with the manners of vLLM',
  open: async () => open({ url: `${server.url}/v1` }),
  model: 'able',
  toolModel: 'able',
  schemaModel: 'able',
  visionModel: 'able',
  reasoningModel: 'able',
  embedModel: 'able',
  unsupportedSetting: { name: 'contextLength', options: { contextLength: 100_000 } },
  scenarios: Object.fromEntries(faults.map((name) => [name, name])),
  deadlineMs: 20_000,
})
