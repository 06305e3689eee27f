import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, type LmappError } from 'lmapp-kit'
import { parseCommandLine } from './parse-arguments.ts'

function refusal(...argv: string[]): LmappError {
  try {
    parseCommandLine(argv)
  } catch (error) {
    if (isLmappError(error)) return error
    throw error
  }
  throw new Error(`was accepted: ${argv.join(' ')}`)
}

describe('the command line', () => {
  it('is a chat when its first word is no command', () => {
    const { command, named, args } = parseCommandLine(['why', 'is', 'the', 'sky', 'blue?'])
    assert.equal(command.name, 'chat')
    assert.equal(named, false)
    assert.deepEqual(args.operands, ['why', 'is', 'the', 'sky', 'blue?'])
  })

  it('is a chat when there is no word at all', () => {
    assert.equal(parseCommandLine([]).command.name, 'chat')
  })

  it('is a command when its first word is the name of one', () => {
    assert.equal(parseCommandLine(['doctor']).command.name, 'doctor')
    assert.equal(parseCommandLine(['models', 'list']).command.name, 'models list')
  })

  it('does not take a quoted question for a command', () => {
    assert.equal(parseCommandLine(['models are great, why?']).command.name, 'chat')
  })

  it('takes anything as a prompt behind chat', () => {
    const { command, args } = parseCommandLine(['chat', 'models', 'list'])
    assert.equal(command.name, 'chat')
    assert.deepEqual(args.operands, ['models', 'list'])
  })

  it('takes anything as a prompt behind --', () => {
    const { command, args } = parseCommandLine(['-q', '--', 'models', '--json'])
    assert.equal(command.name, 'chat')
    assert.deepEqual(args.operands, ['models', '--json'])
    assert.equal(args.has('json'), false)
  })

  it('finds the command behind options and their values', () => {
    const { command, args } = parseCommandLine(['--json', 'history', '--limit', '3', 'list'])
    assert.equal(command.name, 'history list')
    assert.equal(args.value('limit'), '3')
    assert.ok(args.has('json'))
  })

  it('does not take the value of an option for a command', () => {
    const { command, args } = parseCommandLine(['-m', 'models', 'hello'])
    assert.equal(command.name, 'chat')
    assert.equal(args.value('model'), 'models')
  })

  it('reads short, joined, long and repeated options, before and after the prompt', () => {
    const { args } = parseCommandLine(['-qR', 'hello', '--model=box1/tiny', '-f', 'a', '-fb', '--file', '-'])
    assert.ok(args.has('quiet') && args.has('hide-reasoning'))
    assert.equal(args.value('model'), 'box1/tiny')
    assert.deepEqual(args.values('file'), ['a', 'b', '-'])
    assert.deepEqual(args.values('option'), [])
    assert.equal(args.value('system'), undefined)
  })

  it('lets the last one count where an option makes sense only once', () => {
    assert.equal(parseCommandLine(['-m', 'a', '-m', 'b', 'x']).args.value('model'), 'b')
  })

  it('refuses an unknown option and names the nearest', () => {
    const error = refusal('--modell', 'x', 'hello')
    assert.equal(error.code, 'bad-input')
    assert.match(error.hint, /--model/)
  })

  it('tells how to ask something that begins with a dash', () => {
    assert.match(refusal('-5', 'plus', '3').hint, /lmapp -- /)
  })

  it('refuses a missing value', () => {
    assert.match(refusal('hello', '-m').message, /needs a value/)
    assert.match(refusal('hello', '--model', '--json').hint, /--model=--json/)
  })

  it('takes a value that begins with a dash where it is no option', () => {
    assert.equal(parseCommandLine(['-s', '- be brief', 'x']).args.value('system'), '- be brief')
    assert.equal(parseCommandLine(['--system=--json', 'x']).args.value('system'), '--json')
  })

  it('refuses a value where none is taken', () => {
    assert.match(refusal('--json=yes', 'x').message, /takes no value/)
  })

  it('refuses an unknown subcommand and names the nearest, or how to ask it as a question', () => {
    assert.match(refusal('models', 'lst').hint, /lmapp models list/)
    assert.match(refusal('models', 'are', 'great').hint, /lmapp chat models are/)
  })

  it('names the subcommands when there is none', () => {
    assert.match(refusal('history').message, /list, show, search/)
  })

  it('refuses too few and too many words', () => {
    assert.match(refusal('models', 'show').message, /needs REF/)
    assert.match(refusal('models', 'show', 'a', 'b').message, /does not take "b"/)
    assert.match(refusal('history', 'rename', 'id').message, /needs TITLE/)
  })

  it('says of what is promised but not built that it comes later', () => {
    for (const line of [
      ['completions', 'bash'],
      ['--persona', 'x', 'hi'],
    ]) {
      assert.equal(refusal(...line).code, 'not-supported-yet')
    }
  })

  it('asks for nothing else when help or the version is wanted', () => {
    assert.ok(parseCommandLine(['models', 'show', '--help']).args.has('help'))
    assert.equal(parseCommandLine(['models', '-h']).command.name, 'models')
    assert.ok(parseCommandLine(['keys', 'list', '--version']).args.has('version'))
  })
})
