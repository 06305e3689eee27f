import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { parseCommandLine } from '../arguments/parse-arguments.ts'
import { createTestContext } from '../testing/test-context.ts'
import { wantsPlain } from './wants-plain.ts'

const home = mkdtempSync(join(tmpdir(), 'lmapp-plain-'))
after(() => rmSync(home, { recursive: true, force: true }))

function wants(config: string, argv: readonly string[] = [], isTerminal = true): Promise<boolean> {
  writeFileSync(join(home, 'config.json'), config)
  const context = createTestContext({ environment: { LMAPP_HOME: home }, stdout: { isTerminal } })
  return wantsPlain(context, parseCommandLine(argv).args)
}

it('a plain chat is wished by an option or the configuration, and a broken one is no wish', async () => {
  assert.equal(await wants('{}', ['--plain']), true)
  assert.equal(await wants('{ "chat": { "plain": true } }'), true)
  assert.equal(await wants('{ "chat": { "plain": true } }', [], false), false)
  assert.equal(await wants('{}'), false)
  assert.equal(await wants('{ "chat": nonsense'), false)
})
