import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { optionNames, programErrorCodes } from '../src/config/names.ts'
import { parseConfig } from '../src/config/parse-config.ts'

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../lmapp-backend.json'), 'utf8'))

function errorOf(config: unknown): { message: string; setting: unknown } {
  try {
    parseConfig(config)
  } catch (error) {
    assert.ok(isLmappError(error, 'config-invalid'), String(error))
    assert.match(error.hint, /lmapp config edit/)
    return { message: error.message, setting: error.details?.setting }
  }
  assert.fail(`It was taken: ${JSON.stringify(config)}`)
}

describe('the configuration', () => {
  it('of a single program names its model after it', () => {
    for (const [program, name] of [
      ['llm', 'llm'],
      ['/opt/bin/ask.sh', 'ask'],
      ['~/bin/ask', 'ask'],
    ]) {
      assert.deepEqual([...parseConfig({ command: [program] }).models.keys()], [name])
    }
  })

  it('may be empty: a backend without models', () => {
    const { models, list, parallel } = parseConfig({})
    assert.deepEqual([models.size, list, parallel], [0, undefined, 1])
  })

  it('shares what stands beside the models; a model’s own settings go before', () => {
    const { models } = parseConfig({
      command: ['llm', '-m', '{model}'],
      trim: false,
      models: { one: {}, two: { command: ['mods', '{prompt}'], trim: true } },
    })
    const [one, two] = [models.get('one'), models.get('two')]
    assert.deepEqual([one?.command[0], one?.prompt, one?.trim], ['llm', 'stdin', false])
    assert.deepEqual([two?.command[0], two?.prompt, two?.trim], ['mods', 'argument', true])
    assert.deepEqual([...parseConfig({ command: ['llm'], models: ['a', 'b'] }).models.keys()], ['a', 'b'])
  })

  it('may ask for the prompt on stdin although {prompt} stands in an argument', () => {
    assert.equal(parseConfig({ command: ['x', '{prompt}'], prompt: 'stdin' }).models.get('x')?.prompt, 'stdin')
  })

  it('takes names as they are, also such as objects have', () => {
    const models = JSON.parse('{ "__proto__": { "command": ["a"] }, "constructor": { "command": ["b"] } }')
    assert.deepEqual([...parseConfig({ models }).models.keys()], ['__proto__', 'constructor'])
    assert.match(
      errorOf(JSON.parse('{ "command": ["x"], "options": { "toString": ["{value}"] } }')).message,
      /not known/,
    )
  })

  it('is refused with the setting that is wrong', () => {
    const of = (more: object) => ({ models: { it: { command: ['x'], ...more } } })
    for (const [config, setting, problem] of [
      [[], 'config', /must be an object/],
      [{ comand: ['x'] }, 'comand', /is not known; what is known: command, prompt/],
      [{ models: 'x' }, 'models', /must be an object/],
      [{ models: [1] }, 'models', /must be a list of texts/],
      [{ models: ['a'] }, 'command', /is missing/],
      [{ models: { a: {} } }, 'models.a.command', /is missing/],
      [{ models: { a: 'x' } }, 'models.a', /must be an object/],
      [{ models: { '': { command: ['x'] } } }, 'models', /without a name/],
      [{ command: 'llm -m x' }, 'command', /must be a list of texts/],
      [{ command: [] }, 'command', /must begin with a program/],
      [{ command: ['bin/x'] }, 'command', /must be a name, a full path or ~/],
      [{ command: ['x'], parallel: 0 }, 'parallel', /at least 1/],
      [{ modelsPattern: '(x)', command: ['x'] }, 'modelsPattern', /"modelsCommand", which is missing/],
      [{ modelsCommand: ['x'] }, 'command', /is missing/],
      [{ modelsCommand: ['x'], command: ['x'], modelsPattern: 'x' }, 'modelsPattern', /must have a group/],
      [of({ models: [] }), 'models.it.models', /is not known/],
      [of({ prompt: 'argument' }), 'models.it.prompt', /"argument" where \{prompt\} stands/],
      [of({ prompt: 'file' }), 'models.it.prompt', /must be "stdin"/],
      [of({ template: { user: 'x' } }), 'models.it.template.user', /must have \{text\}/],
      [of({ template: { bot: '{text}' } }), 'models.it.template.bot', /is not known/],
      [of({ template: { ending: 1 } }), 'models.it.template.ending', /must be a text/],
      [of({ system: ['--system'] }), 'models.it.system', /must have \{system\}/],
      [of({ options: { temp: ['{value}'] } }), 'models.it.options.temp', /is not known/],
      [of({ options: { seed: ['-s'] } }), 'models.it.options.seed', /must have \{value\}/],
      [of({ env: ['HOME'] }), 'models.it.env', /variables and their values/],
      [of({ env: { A: 1 } }), 'models.it.env.A', /must be a text/],
      [of({ cwd: 1 }), 'models.it.cwd', /must be a text/],
      [of({ trim: 'no' }), 'models.it.trim', /true or false/],
      [of({ usage: { input: '(' } }), 'models.it.usage.input', /must be a regular expression/],
      [of({ usage: { input: '\\d+' } }), 'models.it.usage.input', /must have a group/],
      [of({ usage: { total: '(x)' } }), 'models.it.usage.total', /is not known/],
      [of({ errors: { internal: 'x' } }), 'models.it.errors.internal', /is not known/],
    ] as const) {
      const error = errorOf(config)
      assert.equal(error.setting, setting)
      assert.match(error.message, problem)
    }
  })

  it('answers every input with a configuration or a typed error', () => {
    const keys = [...Object.keys(manifest.config_schema.properties), 'x', '__proto__']
    const values = [
      null,
      0,
      -1,
      '',
      '{',
      '{prompt}',
      [],
      [''],
      ['x', '{prompt}'],
      {},
      { x: 1 },
      true,
      [[]],
      { a: { b: {} } },
    ]
    for (let round = 0; round < 3000; round += 1) {
      const bytes = randomBytes(8)
      const pairs = Array.from({ length: bytes.readUInt8(0) % 5 }, (_, at) => [
        keys[bytes.readUInt8(at) % keys.length],
        values[bytes.readUInt8(at + 1) % values.length],
      ])
      try {
        parseConfig(Object.fromEntries(pairs))
      } catch (error) {
        assert.ok(isLmappError(error, 'config-invalid'), String(error))
      }
    }
  })

  it('in the examples of the README is right', () => {
    const text = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const blocks = [...text.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, block = '']) =>
      block.replace(/ \/\/ .*/g, ''),
    )
    const entries = blocks.flatMap((block) => {
      const value = JSON.parse(block.startsWith('{') ? block : `{${block}}`)
      return Object.entries<{ config: unknown }>(value.backends ?? value)
    })
    assert.deepEqual(
      entries.map(([name]) => name),
      ['ask', 'llm', 'aichat', 'base'],
    )
    for (const [, { config }] of entries) parseConfig(config)
  })

  it('is described by the manifest with the same names', () => {
    const { $defs } = manifest.config_schema
    assert.deepEqual($defs.options.propertyNames.enum, optionNames)
    assert.deepEqual($defs.errors.propertyNames.enum, programErrorCodes)
    const { models, modelsCommand, modelsPattern, parallel, ...shared } = manifest.config_schema.properties
    assert.ok(models && modelsCommand && modelsPattern && parallel)
    assert.deepEqual(Object.keys(shared).sort(), Object.keys($defs).sort())
    assert.deepEqual(Object.keys(models.anyOf[1].additionalProperties.properties).sort(), Object.keys($defs).sort())
  })
})
