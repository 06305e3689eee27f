import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createScriptedService } from '../testing/scripted-service.ts'
import { createTestContext } from '../testing/test-context.ts'

const evil = 'red\u001b[31m\nname'
const backend = {
  ...{ name: evil, type: evil, state: 'running', reason: null, version: '9'.repeat(100_000) },
  ...{ execution: 'subprocess', owner: 'lmapp', breaker: { state: 'closed' }, models: [{ id: 'm\u001b[2J\n2' }] },
}

async function lmapp(...argv: string[]): Promise<string> {
  const { connect } = createScriptedService(({ route }) => ({ json: route === 'GET /backends' ? [backend] : backend }))
  const context = createTestContext({ connect })
  assert.equal(await runCommand(context, argv), 0, context.stderr.text)
  return context.stdout.text
}

describe("a stranger's words about his backend", () => {
  it('stay one short line of the list', async () => {
    const [, line, ...rest] = (await lmapp('backends', 'list')).split('\n')
    assert.match(line ?? '', /^red␛\[31m name +running +9{39}…$/)
    assert.deepEqual(rest, [''])
  })

  it('are shown whole, and not obeyed', async () => {
    const text = await lmapp('backends', 'show', 'red')
    assert.match(text, /^Backend +red␛\[31m name\nType +red␛\[31m name\n/)
    assert.match(text, /^Models +m␛\[2J 2$/m)
  })
})
