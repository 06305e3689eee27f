import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CommandSpec } from './command-spec.ts'
import { commands } from './commands.ts'
import { commandHelp, mainHelp } from './help.ts'

const all: CommandSpec[] = commands.flatMap((command) => [command, ...(command.subcommands ?? [])])

describe('the help', () => {
  it('names every command', () => {
    for (const { name } of commands) assert.match(mainHelp(), new RegExp(`^  ${name} `, 'm'))
  })

  it('fits into 80 columns', () => {
    for (const line of [mainHelp(), ...all.map(commandHelp)].join('\n').split('\n')) {
      assert.ok(line.length <= 80, line)
    }
  })

  it('shows what a command takes, and leaves out what comes later', () => {
    const chat = commands.find(({ name }) => name === 'chat')
    assert.ok(chat)
    assert.match(commandHelp(chat), /-m, --model REF/)
    assert.match(commandHelp(chat), /\(repeatable\)/)
    assert.doesNotMatch(commandHelp(chat), /--persona/)
  })

  it('shows the subcommands of a group', () => {
    const models = commands.find(({ name }) => name === 'models')
    assert.ok(models)
    assert.match(commandHelp(models), /Usage: lmapp models COMMAND/)
    assert.match(commandHelp(models), /^ {2}show REF/m)
  })

  it('says of --yes that nothing is asked, where that is so', () => {
    for (const name of ['history delete', 'models remove']) {
      const command = all.find((candidate) => candidate.name === name)
      assert.ok(command)
      assert.match(commandHelp(command), /--yes .*nothing is asked/)
    }
  })

  it('gives no two options of a command the same letter', () => {
    for (const { name, options } of all) {
      const letters = options.flatMap(({ short }) => short ?? [])
      assert.equal(new Set(letters).size, letters.length, name)
    }
  })

  it('stands on commands that can be loaded', async () => {
    for (const { load } of all) assert.equal(typeof ((await load?.()) ?? (() => 0)), 'function')
  })
})
