import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createTestContext } from '../../testing/test-context.ts'
import { completePath } from './complete-path.ts'
import { parseTyped } from './slash-commands.ts'
import { splitWords, toPaths } from './words.ts'

const names = ['help', 'model', 'exit']

describe('what begins with a slash', () => {
  const noPath = () => false

  it('is a command when it is the name of one', () => {
    const typed = parseTyped('/model box/tiny ', names, noPath)
    assert.deepEqual(typed, { type: 'command', name: 'model', operand: 'box/tiny' })
    assert.deepEqual(parseTyped('/HELP', names, noPath), { type: 'command', name: 'help', operand: '' })
    assert.deepEqual(parseTyped('/quit', names, noPath), { type: 'command', name: 'exit', operand: '' })
  })

  it('is never a command when it is a path', () => {
    assert.equal(parseTyped('/home/me/notes.txt what is in it?', names, noPath).type, 'message')
    assert.equal(parseTyped('/etc is what?', names, (path) => path === '/etc').type, 'message')
    assert.equal(parseTyped('/help/me', names, noPath).type, 'message')
    assert.equal(parseTyped('/model\nis a word', names, noPath).type, 'message')
  })

  it('is unknown when there is no such command', () => {
    assert.deepEqual(parseTyped('/modle', names, noPath), { type: 'unknown', name: 'modle' })
  })
})

describe('bare words', () => {
  it('leave, when they are exit or quit', () => {
    for (const word of ['exit', ' quit ']) assert.equal(parseTyped(word, names).type, 'command')
    assert.equal(parseTyped('exit code 7?', names).type, 'message')
  })
})

describe('paths behind a command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lmapp-paths-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'two words.txt'), '')
  writeFileSync(join(folder, '.hidden'), '')
  mkdirSync(join(folder, 'inner'))
  const context = createTestContext({ directory: folder, environment: { HOME: folder } })

  it('are read as a shell reads them, and whole where there is such a file', () => {
    assert.deepEqual(toPaths('two words.txt', context), ['two words.txt'])
    assert.deepEqual(toPaths('a\\ b "c d" \'e f\' g', context), ['a b', 'c d', 'e f', 'g'])
    assert.deepEqual(toPaths('~/x ~ ~you', context), [join(folder, 'x'), folder, '~you'])
    assert.deepEqual(splitWords('C:\\x\\y "a b"', 'win32'), ['C:\\x\\y', 'a b'])
  })

  it('are completed, hidden ones only when they are asked for', async () => {
    const complete = (typed: string) => completePath({ context }, typed)
    assert.deepEqual(await complete('x tw'), {
      candidates: [{ insert: 'two\\ words.txt', label: 'two words.txt' }],
      from: 2,
    })
    assert.deepEqual(
      (await complete('')).candidates.map(({ insert }) => insert),
      ['inner/', 'two\\ words.txt'],
    )
    assert.deepEqual(
      (await complete('./.h')).candidates.map(({ insert }) => insert),
      ['./.hidden'],
    )
    assert.deepEqual(
      (await complete('two\\ w')).candidates.map(({ insert }) => insert),
      ['two\\ words.txt'],
    )
    assert.deepEqual((await complete('nowhere/x')).candidates, [])
  })
})
