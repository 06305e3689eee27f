import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseCommandLine } from '../../arguments/parse-arguments.ts'
import { createTestContext } from '../../testing/test-context.ts'
import { createSession } from '../session.ts'
import { createChatTurns } from './chat-turns.ts'
import { createCommandRunner } from './command-runner.ts'

async function help(columns: number): Promise<string[]> {
  const context = createTestContext({ stdout: { isTerminal: true, columns } })
  const { args } = parseCommandLine([])
  const turns = createChatTurns({ context, session: createSession(context), args, request: { kind: 'ask' } })
  await createCommandRunner(context, turns)({ type: 'command', name: 'help', operand: '' })
  return context.stdout.text.trimEnd().split('\n')
}

it('/help fits the terminal, its explanations below each other', async () => {
  for (const columns of [40, 80]) {
    const lines = await help(columns)
    for (const line of lines) {
      assert.ok(line.length <= columns, line)
      assert.match(line, /^.{19} {2}\S/)
    }
    assert.ok(lines.some((line) => /^Ctrl-J, Shift-Enter {2}another/.test(line)))
  }
})
