import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { parseVerifySettings, readVerifySettings, verifySettingsFileName } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-settings-'))
after(() => rmSync(folder, { recursive: true }))

const full = {
  model: 'echo',
  config: { greeting: 'Hi' },
  secrets: { apiKey: 'sk-1' },
  prompts: { question: 'What?', others: ['Who?', 'Where?'] },
  toolModel: 'a',
  schemaModel: 'b',
  visionModel: 'c',
  reasoningModel: 'd',
  embedModel: 'e',
  pullableModel: 'tiny',
  unsupportedSetting: { name: 'topK', options: { topK: 40 } },
  skip: [{ requirement: 'chat.usage', reason: 'it does not count' }],
  deadlineMs: 1000,
}

/** What it is refused with. */
function refuse(text: string): { message: string; line: unknown } {
  try {
    parseVerifySettings(text, 'verify.json')
  } catch (error) {
    assert.ok(isLmappError(error, 'config-invalid'), String(error))
    return { message: error.message, line: error.details?.line }
  }
  return assert.fail('It was taken.')
}

describe('lmapp-verify.json', () => {
  it('may be absent', async () => {
    assert.deepEqual(await readVerifySettings(folder), {})
  })

  it('says what the judge must know', async () => {
    writeFileSync(join(folder, verifySettingsFileName), JSON.stringify(full))
    assert.deepEqual(await readVerifySettings(folder), full)
  })

  it('is refused by file and line when a value is wrong', () => {
    const wrong: [string, unknown][] = [
      ['model', 7],
      ['model', ' '],
      ['config', []],
      ['secrets', { apiKey: 1 }],
      ['prompts', 'hello'],
      ['prompts', { question: '' }],
      ['prompts', { others: ['one'] }],
      ['prompts', { qestion: 'x' }],
      ['unsupportedSetting', { name: 'topK', options: {} }],
      ['skip', {}],
      ['skip', [{ requirement: 'chat.usage' }]],
      ['skip', [{ requirement: 'chat.sings', reason: 'it hums' }]],
      ['deadlineMs', 0],
      ['modle', 'echo'],
    ]
    for (const [key, value] of wrong) {
      const { message, line } = refuse(`{\n  "${key}": ${JSON.stringify(value)}\n}`)
      assert.match(message, new RegExp(`^verify\\.json:2: "${key}" `))
      assert.equal(line, 2)
    }
  })

  it('is refused in few words, however long what is wrong', () => {
    const long = '['.repeat(2000)
    const skip = { skip: [{ requirement: long, reason: 'x' }] }
    for (const text of [{ [long]: 1 }, skip]) assert.ok(refuse(JSON.stringify(text)).message.length < 400)
  })

  it('is refused when it is no object, or no JSON', () => {
    assert.equal(refuse('[]').line, 1)
    assert.equal(refuse('{\n"model": "echo",\n}').line, 3)
    for (const text of ['', '{', '\u0000', '{"a":'.repeat(200), '"'.repeat(9)]) refuse(text)
  })
})
