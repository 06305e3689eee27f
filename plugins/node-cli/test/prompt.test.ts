import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Message } from 'lmapp-kit'
import { parseConfig } from '../src/config/parse-config.ts'
import { renderPrompt } from '../src/prompt/render-prompt.ts'
import { toArguments } from '../src/prompt/to-arguments.ts'

const say = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })

function programOf(config: object) {
  const [program] = parseConfig(config).models.values()
  assert.ok(program)
  return program
}

describe('the prompt', () => {
  const plain = programOf({ command: ['x'] })
  const apart = programOf({ command: ['x'], system: ['--system', '{system}'] })
  const turns = [say('user', 'Hi.'), say('assistant', 'Hello.'), say('user', 'Why?')]

  it('of one question is the question', () => {
    assert.deepEqual(renderPrompt([say('user', ' Why?\n')], plain), { prompt: 'Why?', system: '' })
  })

  it('has the system’s words before it, or apart where the program takes them', () => {
    const messages = [say('system', 'Be brief.'), say('user', 'Why?')]
    assert.deepEqual(renderPrompt(messages, plain), { prompt: 'Be brief.\n\nWhy?', system: '' })
    assert.deepEqual(renderPrompt(messages, apart), { prompt: 'Why?', system: 'Be brief.' })
    const two = [say('system', 'A.'), say('system', 'B.'), say('user', 'Why?')]
    assert.equal(renderPrompt(two, apart).system, 'A.\n\nB.')
  })

  it('of several turns is a transcript that leaves the word to the assistant', () => {
    const transcript = 'User: Hi.\n\nAssistant: Hello.\n\nUser: Why?\n\nAssistant:'
    assert.equal(renderPrompt(turns, plain).prompt, transcript)
    const { prompt, system } = renderPrompt([say('system', 'Be brief.'), ...turns], plain)
    assert.deepEqual([prompt, system], [`System: Be brief.\n\n${transcript}`, ''])
    assert.deepEqual(renderPrompt([say('system', 'Be brief.'), ...turns], apart), {
      prompt: transcript,
      system: 'Be brief.',
    })
  })

  it('follows templates, for a single question too', () => {
    const template = { user: '<u>{text}</u>', assistant: '<a>{text}</a>', ending: '<a>' }
    const program = programOf({ command: ['x'], template })
    assert.equal(renderPrompt([say('user', 'Why?')], program).prompt, '<u>Why?</u><a>')
    assert.equal(renderPrompt(turns, program).prompt, '<u>Hi.</u><a>Hello.</a><u>Why?</u><a>')
  })

  it('holds texts as they are, whatever stands in them', () => {
    const odd = '$& {text} {prompt} $1'
    assert.equal(
      renderPrompt([say('user', odd), say('user', 'x')], plain).prompt,
      `User: ${odd}\n\nUser: x\n\nAssistant:`,
    )
  })

  it('holds files as text, and what tools answered', () => {
    const file = { type: 'file' as const, name: 'a.txt', mediaType: 'text/plain', text: 'one' }
    const messages: Message[] = [{ role: 'user', content: [file, { type: 'text', text: 'Sum it up.' }] }]
    assert.equal(renderPrompt(messages, plain).prompt, 'a.txt\n```\none\n```\n\nSum it up.')
    const result: Message = { role: 'tool', content: [{ type: 'tool-result', id: '1', name: 't', text: 'sunny' }] }
    assert.match(renderPrompt([...turns, result], plain).prompt, /Tool: sunny\n\nAssistant:$/)
  })
})

describe('the arguments', () => {
  const values = { model: 'm', prompt: 'Why?', system: '', options: {} }
  const argumentsOf = (config: object, more: object = {}) => toArguments(programOf(config), { ...values, ...more })
  const options = { temperature: ['-t', '{value}'], stop: ['--stop={value}'] }

  it('are filled in, wherever the placeholder stands', () => {
    assert.deepEqual(argumentsOf({ command: ['x', '--model={model}', '-p', '{prompt}'] }), ['--model=m', '-p', 'Why?'])
  })

  it('get settings at the end, before --, or at {args}', () => {
    const more = { options: { temperature: 0.5, stop: ['a', 'b'] } }
    const set = ['-t', '0.5', '--stop=a', '--stop=b']
    assert.deepEqual(argumentsOf({ command: ['x', 'run'], options }, more), ['run', ...set])
    assert.deepEqual(argumentsOf({ command: ['x', 'run', '--', '{prompt}'], options }, more), [
      'run',
      ...set,
      '--',
      'Why?',
    ])
    assert.deepEqual(argumentsOf({ command: ['x', '{args}', '-p', '{prompt}'], options }, more), [...set, '-p', 'Why?'])
    assert.deepEqual(argumentsOf({ command: ['x', '{args}', 'run'], options }), ['run'])
  })

  it('get the system prompt where there is one', () => {
    const config = { command: ['x'], system: ['--system', '{system}'] }
    assert.deepEqual(argumentsOf(config, { system: 'Be brief.' }), ['--system', 'Be brief.'])
    assert.deepEqual(argumentsOf(config), [])
  })

  it('are filled in once: a prompt that holds a placeholder stays as it is', () => {
    const prompt = '{model} {prompt} {value} {system} {other} $&'
    assert.deepEqual(argumentsOf({ command: ['x', '{prompt}'] }, { prompt }), [prompt])
    assert.deepEqual(argumentsOf({ command: ['x', '{prompt}'], prompt: 'stdin' }), ['{prompt}'])
  })

  it('never take a question for an order: one that begins with - gets a space, but behind --', () => {
    const prompt = '--exec=rm'
    assert.deepEqual(argumentsOf({ command: ['x', '{prompt}'] }, { prompt }), [' --exec=rm'])
    assert.deepEqual(argumentsOf({ command: ['x', '-p', '{prompt}'] }, { prompt }), ['-p', ' --exec=rm'])
    assert.deepEqual(argumentsOf({ command: ['x', '--', '{prompt}'] }, { prompt }), ['--', '--exec=rm'])
    assert.deepEqual(argumentsOf({ command: ['x', '-p{prompt}'] }, { prompt }), ['-p--exec=rm'])
    const system = { command: ['x'], system: ['-s', '{system}'] }
    assert.deepEqual(argumentsOf(system, { system: '-v' }), ['-s', ' -v'])
  })
})
