import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import {
  createConfigReader,
  defaultConfig,
  forwardedVariables,
  isConfigError,
  loadConfig,
  parseConfig,
} from './index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-config-'))
})
after(() => rm(folder, { recursive: true }))

const write = async (name: string, content: string | Buffer, mode = 0o600): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, content)
  await chmod(path, mode)
  return path
}

const details = async (run: Promise<unknown>, code: 'config-invalid' | 'path-unusable') => {
  const error = await run.then(
    () => assert.fail('it did not reject'),
    (reason: unknown) => reason,
  )
  assert.ok(isLmappError(error, code), String(error))
  return { ...error.details, message: error.message, hint: error.hint } as Record<string, unknown>
}

test('a missing file means the defaults', async () => {
  assert.deepEqual(await loadConfig(join(folder, 'none.json')), { config: defaultConfig(), problems: [] })
  const file = await write('file', '')
  assert.deepEqual((await loadConfig(join(file, 'below.json'))).config, defaultConfig())
})

test('warnings come back with the configuration', async () => {
  const { config, problems } = await loadConfig(await write('warn.json', '{ "modle": 1, "model": "m" }'))
  assert.equal(config.model, 'm')
  assert.deepEqual(
    problems.map((problem) => [problem.kind, isConfigError(problem)]),
    [['unknown-key', false]],
  )
})

test('an error in the file is thrown with file, line and column', async () => {
  const path = await write('wrong.json', '{\n  "model": 5,\n  "failover": 1\n}')
  const error = await details(loadConfig(path), 'config-invalid')
  assert.deepEqual([error.file, error.line, error.column], [path, 2, 12])
  assert.equal((error.problems as unknown[]).length, 2)
  assert.match(String(error.message), /wrong\.json:2:12: "model" must be a text\. \(and 1 more\)$/)
})

test('a file that is no UTF-8 is refused at the place where it stops being so', async () => {
  const latin1 = Buffer.concat([Buffer.from('{\n  "model": "caf'), Buffer.from([0xe9]), Buffer.from('" }')])
  const error = await details(loadConfig(await write('latin1.json', latin1)), 'config-invalid')
  assert.deepEqual([error.line, error.column], [2, 16])
  const utf16 = Buffer.from('\uFEFF{}', 'utf16le')
  assert.equal((await details(loadConfig(await write('utf16.json', utf16)), 'config-invalid')).line, 1)
  assert.deepEqual((await loadConfig(await write('bom.json', '\uFEFF{ "model": "m" }'))).config.model, 'm')
})

test('a file that cannot be read is named', async () => {
  await mkdir(join(folder, 'folder.json'))
  assert.equal(
    (await details(loadConfig(join(folder, 'folder.json')), 'path-unusable')).path,
    join(folder, 'folder.json'),
  )
})

test('the reader reads again when the file changed, and only then', async () => {
  const path = join(folder, 'live.json')
  const reader = createConfigReader(path)
  assert.equal((await reader.config()).model, undefined)
  await write('live.json', '{ "model": "one" }')
  const first = await reader.read()
  assert.equal(first.config.model, 'one')
  assert.equal(await reader.read(), first)
  await rename(await write('other.json', '{ "model": "two" }'), path)
  assert.equal((await reader.config()).model, 'two')
  await rm(path)
  assert.equal((await reader.config()).model, undefined)
})

test('the reader refuses a file while it is broken, and takes it again when it is mended', async () => {
  const path = await write('mended.json', '{ "model": ')
  const reader = createConfigReader(path)
  await details(reader.config(), 'config-invalid')
  await details(reader.config(), 'config-invalid')
  await write('mended.json', '{ "model": "fine" }')
  assert.equal((await reader.config()).model, 'fine')
})

test('readers at once share one reading', async () => {
  const reader = createConfigReader(await write('shared.json', '{}'))
  await reader.read()
  const [one, other] = await Promise.all([reader.read(), reader.read()])
  assert.equal(one, other)
})

test('the variables that a front sends are the engines’ own and those that configuration names, each once', () => {
  const text = `{ "backends": {
    "a": { "type": "x", "apiKeyEnv": "A_KEY" }, "b": { "type": "x", "apiKeyEnv": "A_KEY" }, "c": { "type": "x" } } }`
  const names = forwardedVariables(parseConfig(text, '').config)
  assert.deepEqual(
    names.filter((name) => !/^(OLLAMA|HF)_/.test(name)),
    ['A_KEY'],
  )
  assert.ok(names.includes('OLLAMA_HOST'))
})
