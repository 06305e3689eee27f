import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { age, longAgo, modelBytes, ollamaLayer, putFile, putHubFile, putOllamaModel } from '../testing/disk-trees.ts'
import { text, uint32 } from '../testing/gguf-bytes.ts'
import { createDiskModels, type DiskModelsOptions, toPartPath } from './disk-models.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lmapp-disk-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

interface Settings extends Partial<Omit<DiskModelsOptions, 'settings'>> {
  scan?: boolean
  folders?: string[]
}

function open({ scan = true, folders = [], ...more }: Settings = {}) {
  return createDiskModels({
    homeDir: home,
    platform: 'darwin',
    cacheDir: join(home, 'lmapp-cache'),
    environment: {},
    settings: async () => ({ scan, folders }),
    ...more,
  })
}

const namesOf = async (disk: ReturnType<typeof open>, options?: Parameters<typeof disk.list>[0]) =>
  (await disk.list(options)).models.map(({ name }) => name)

const at = (...segments: string[]) => join(home, ...segments)
const named = (name: string, more = {}) => modelBytes({ 'general.name': text(name), ...more })
const ollama = (name: string, ...layers: Parameters<typeof ollamaLayer>[]) =>
  putOllamaModel(
    at('.ollama/models'),
    name,
    layers.map((layer) => ollamaLayer(...layer)),
  )

describe('models that Ollama has', () => {
  it('have its names, where library, registry and latest go without saying', async () => {
    await ollama('registry.ollama.ai/library/llama3.2/3b', ['model', named('a')])
    await ollama('registry.ollama.ai/library/smollm2/latest', ['model', named('b')])
    await ollama('registry.ollama.ai/somebody/thing/q8', ['model', named('c')])
    const path = await ollama(
      'hf.co/owner/repo/Q4_K_M',
      ['model', named('d')],
      ['license', 'Apache License\nVersion 2'],
    )
    const { models, notices } = await open().list()
    assert.deepEqual(models.map(({ name }) => name).sort(), [
      'hf.co/owner/repo:Q4_K_M',
      'llama3.2:3b',
      'smollm2',
      'somebody/thing:q8',
    ])
    assert.deepEqual(notices, [])
    const found = models.find(({ name }) => name.startsWith('hf.co'))
    assert.equal(found?.path, path)
    assert.equal(found.digest, `sha256:${path.split('sha256-')[1]}`)
    assert.deepEqual([found.program, found.origin, found.header.quantization], ['ollama', 'ollama', 'Q4_K_M'])
    assert.equal(found.sizeBytes, (await stat(path)).size)
    assert.equal(found.modifiedAt, longAgo.toISOString())
    assert.equal(found.header.memory.layers, 2)
    assert.equal(found.license, 'mit')
  })

  it('keep each of their names, also where two share a file', async () => {
    await ollama('registry.ollama.ai/library/llama3.2/3b', ['model', named('same')])
    await ollama('registry.ollama.ai/library/llama3.2/latest', ['model', named('same')], ['system', 'You are Mario.'])
    assert.deepEqual((await namesOf(open())).sort(), ['llama3.2', 'llama3.2:3b'])
  })

  it('that are put together, run elsewhere or are no GGUF are left out', async () => {
    await ollama('registry.ollama.ai/library/lora/latest', ['model', named('base')], ['adapter', 'x'])
    await ollama('registry.ollama.ai/library/cloud/latest', ['license', 'x'])
    await ollama('registry.ollama.ai/library/halves/latest', ['model', named('1')], ['model', named('2')])
    await ollama('registry.ollama.ai/library/eyes/latest', ['model', named('eyes')], ['projector', 'x'])
    await putFile(at('.ollama/models/manifests/stray'), '{}')
    assert.deepEqual(await namesOf(open()), ['eyes'])
  })

  it('take their licence from the layer where the file says none', async () => {
    const bytes = modelBytes({ 'general.license': text('') })
    await ollama('registry.ollama.ai/library/a/latest', ['model', bytes], ['license', '\n LLAMA LICENSE \r\nLong text'])
    await ollama(
      'registry.ollama.ai/library/b/latest',
      ['model', named('b', { 'general.license': text('') })],
      ['license', ''],
    )
    const { models } = await open().list()
    assert.deepEqual(models.map(({ license }) => license).sort(), ['LLAMA LICENSE', undefined])
  })

  it('whose manifest is broken, or whose file is not there, are told and disturb no other', async () => {
    const root = at('.ollama/models')
    await ollama('registry.ollama.ai/library/good/latest', ['model', named('good')])
    const gone = await ollama('registry.ollama.ai/library/gone/latest', ['model', named('gone')])
    await unlink(gone)
    const cut = await ollama('registry.ollama.ai/library/cut/latest', ['model', named('cut')])
    await writeFile(cut, (await readFile(cut)).subarray(0, 5000))
    const library = join(root, 'manifests/registry.ollama.ai/library')
    await putFile(join(library, 'noise/latest'), randomBytes(10_000))
    await putFile(join(library, 'list/latest'), '[]')
    await putFile(
      join(library, 'path/latest'),
      JSON.stringify({
        layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: 'sha256:../../../etc/passwd' }],
      }),
    )
    await putFile(join(library, 'long/latest'), ' '.repeat(1_100_000))
    const { models, notices } = await open().list()
    assert.deepEqual(
      models.map(({ name }) => name),
      ['good'],
    )
    assert.deepEqual(
      notices.map(({ kind, path }) => `${kind} ${path.split('/').slice(-2).join('/')}`).sort(),
      [
        'broken list/latest',
        'broken long/latest',
        'broken noise/latest',
        `broken blobs/${cut.split('/').at(-1)}`,
        `incomplete blobs/${gone.split('/').at(-1)}`,
      ].sort(),
    )
  })

  it('may be where the environment says, of the service or of a front', async () => {
    await putOllamaModel(at('other'), 'registry.ollama.ai/library/elsewhere/latest', [ollamaLayer('model', named('x'))])
    await putOllamaModel(at('third'), 'registry.ollama.ai/library/third/1b', [ollamaLayer('model', named('y'))])
    const disk = open({ environment: { OLLAMA_MODELS: at('other') } })
    assert.deepEqual(await namesOf(disk), ['elsewhere'])
    disk.remember({ OLLAMA_MODELS: at('third'), PATH: '/bin' })
    disk.remember({ OLLAMA_MODELS: at('third') })
    disk.remember({})
    assert.deepEqual((await namesOf(disk)).sort(), ['elsewhere', 'third:1b'])
  })
})

describe('models that LM Studio has', () => {
  it('are called as it shows them, with the quantization where there are several', async () => {
    const root = at('.lmstudio/models')
    await putFile(join(root, 'lmstudio-community/Qwen2.5-7B-Instruct-GGUF/Qwen2.5-7B-Instruct-Q4_K_M.gguf'), named('q'))
    await putFile(join(root, 'maker/Two-GGUF/Two-Q4_K_M.gguf'), named('two4'))
    await putFile(join(root, 'maker/Two-GGUF/Two-Q8_0.gguf'), named('two8'))
    await putFile(join(root, 'one/Same-GGUF/Same-Q4_0.gguf'), named('same1'))
    await putFile(join(root, 'other/Same-GGUF/Same-Q4_0.gguf'), named('same2'))
    await putFile(join(root, 'loose.gguf'), named('loose'))
    assert.deepEqual((await namesOf(open())).sort(), [
      'loose',
      'one/Same-GGUF/Same-Q4_0',
      'other/Same-GGUF/Same-Q4_0',
      'qwen2.5-7b-instruct',
      'two@q4_k_m',
      'two@q8_0',
    ])
  })

  it('are found where its pointer, its settings and its older versions put them', async () => {
    await writeFile(at('.lmstudio-home-pointer'), `${at('moved')}\n`)
    await putFile(at('moved/models/a/One-GGUF/One-Q4_0.gguf'), named('1'))
    await putFile(at('.cache/lm-studio/models/a/Two-GGUF/Two-Q4_0.gguf'), named('2'))
    await putFile(at('.lmstudio/settings.json'), JSON.stringify({ downloadsFolder: at('chosen') }))
    await putFile(at('chosen/a/Three-GGUF/Three-Q4_0.gguf'), named('3'))
    assert.deepEqual((await namesOf(open())).sort(), ['one', 'three', 'two'])
    await writeFile(at('.lmstudio/settings.json'), randomBytes(10_000))
    await writeFile(at('.lmstudio-home-pointer'), 'nowhere')
    assert.deepEqual(await namesOf(open()), ['two'])
  })
})

describe('models in the Hugging Face cache', () => {
  const hub = () => at('.cache/huggingface/hub')

  it('are called by their repository and quantization, with the checksum that the cache knows', async () => {
    const bytes = named('h')
    const path = await putHubFile(hub(), { repository: 'owner/Model-GGUF', name: 'Model-Q4_K_M.gguf', bytes })
    await putHubFile(hub(), { repository: 'owner/Model-GGUF', name: 'Q8_0/Model-Q8_0.gguf', bytes: named('8') })
    await putHubFile(hub(), { repository: 'owner/Model-GGUF', name: 'plain.gguf', bytes: named('p') })
    await putHubFile(hub(), { repository: 'owner/Model-GGUF', name: 'config.json', bytes: Buffer.from('{}') })
    await putFile(join(hub(), 'datasets--a--b/snapshots/x/data.gguf'), bytes)
    const { models } = await open().list()
    assert.deepEqual(models.map(({ name }) => name).sort(), [
      'owner/Model-GGUF:Q4_K_M',
      'owner/Model-GGUF:Q8_0',
      'owner/Model-GGUF:plain',
    ])
    const found = models.find((model) => model.path === path)
    assert.match(found?.digest ?? '', /^sha256:[0-9a-f]{64}$/)
    assert.equal(found?.sizeBytes, bytes.length)
  })

  it('are listed once, of the newest revision', async () => {
    const file = { repository: 'o/m', name: 'm-Q4_0.gguf' }
    const old = 'a'.repeat(40)
    await putHubFile(hub(), { ...file, revision: old, bytes: named('old') })
    const current = await putHubFile(hub(), { ...file, revision: 'b'.repeat(40), bytes: named('new') })
    const same = { repository: 'o/same', name: 's-Q4_0.gguf', bytes: named('same') }
    for (const letter of ['a', 'b', 'c']) {
      await putHubFile(hub(), { ...same, revision: letter.repeat(40) }).catch(() => {})
    }
    const { models } = await open().list()
    assert.deepEqual(models.map(({ name }) => name).sort(), ['o/m:Q4_0', 'o/same:Q4_0'])
    assert.equal(models.find(({ name }) => name === 'o/m:Q4_0')?.path, current)
  })

  it('may be where HF_HOME or HF_HUB_CACHE say, and llama.cpp keeps the same', async () => {
    const bytes = (name: string) => named(name)
    await putHubFile(at('hf/hub'), { repository: 'o/one', name: 'x-Q4_0.gguf', bytes: bytes('1') })
    await putHubFile(at('hub2'), { repository: 'o/two', name: 'x-Q4_0.gguf', bytes: bytes('2') })
    await putFile(at('Library/Caches/llama.cpp/o_three_x-Q4_0.gguf'), bytes('3'))
    await putHubFile(at('llama'), { repository: 'o/four', name: 'x-Q4_0.gguf', bytes: bytes('4') })
    await putFile(at('xdg/llama.cpp/five.gguf'), bytes('5'))
    const environment = {
      HF_HOME: at('hf'),
      HF_HUB_CACHE: at('hub2'),
      LLAMA_CACHE: at('llama'),
      XDG_CACHE_HOME: at('xdg'),
    }
    assert.deepEqual((await namesOf(open({ environment }))).sort(), [
      'o/four:Q4_0',
      'o/one:Q4_0',
      'o/two:Q4_0',
      'o_three_x-Q4_0',
    ])
    assert.ok((await namesOf(open({ environment, platform: 'linux' }))).includes('five'))
  })
})

describe('models in folders of the configuration', () => {
  it('are called by their files, with what is below, hidden folders left out', async () => {
    await putFile(at('models/one.gguf'), named('1'))
    await putFile(at('models/deep/er/two.GGUF'), named('2'))
    await putFile(at('models/a/same.gguf'), named('3'))
    await putFile(at('models/b/same.gguf'), named('4'))
    await putFile(at('models/.hidden/three.gguf'), named('5'))
    await putFile(at('models/four.safetensors'), named('6'))
    const disk = open({ folders: ['~/models', 'models'] })
    assert.deepEqual((await namesOf(disk)).sort(), ['a/same', 'b/same', 'one', 'two'])
    assert.equal((await disk.list()).models[0]?.origin, at('models'))
  })

  it('are looked at also where other programs are not, and never those of lmapp itself', async () => {
    await ollama('registry.ollama.ai/library/a/latest', ['model', named('a')])
    await putFile(at('models/one.gguf'), named('1'))
    await putFile(at('models/own/two.gguf'), named('2'))
    const disk = open({ scan: false, folders: [at('models')], leaveOut: [at('models/own')] })
    assert.deepEqual(await namesOf(disk), ['one'])
  })

  it('follow links, round in circles too, and know a file once', async () => {
    await putFile(at('models/one.gguf'), named('1'))
    await symlink(at('models'), at('models/again'))
    await symlink('one.gguf', at('models/link.gguf'))
    await symlink('nowhere.gguf', at('models/dead.gguf'))
    await symlink('loop.gguf', at('models/loop.gguf'))
    await putFile(at('other/two.gguf'), named('2'))
    await symlink(at('other'), at('models/other'))
    const { models, notices } = await open({ folders: [at('models')] }).list()
    assert.deepEqual(models.map(({ name }) => name).sort(), ['link', 'two'])
    assert.deepEqual(notices, [])
  })

  it('that are not there, or may not be read, are told', async () => {
    await putFile(at('models/closed/one.gguf'), named('1'))
    await putFile(at('models/two.gguf'), named('2'))
    await chmod(at('models/closed'), 0o000)
    await chmod(at('models/two.gguf'), 0o000)
    const { models, notices } = await open({ folders: [at('models'), at('absent')] }).list()
    await chmod(at('models/closed'), 0o700)
    const isRoot = process.getuid?.() === 0
    assert.equal(models.length, isRoot ? 2 : 0)
    assert.deepEqual(
      notices.map(({ path }) => path).sort(),
      isRoot ? [at('absent')] : [at('absent'), at('models/closed'), at('models/two.gguf')],
    )
    assert.ok(notices.every(({ kind }) => kind === 'unreadable'))
  })

  it('are bounded in names, in depth and in time, and that is said', async () => {
    for (let index = 0; index < 40; index += 1) await putFile(at('models', `m${index}.gguf`), named(`${index}`))
    await putFile(at('models/1/2/3/deep.gguf'), named('deep'))
    const folders = [at('models')]
    const few = await open({ folders, limits: { entries: 10 } }).list()
    assert.ok(few.models.length > 0 && few.models.length <= 10)
    assert.deepEqual(
      few.notices.map(({ kind }) => kind),
      ['limit'],
    )
    assert.match(few.notices[0]?.message ?? '', /more than 10 names/)
    const flat = await open({ folders, limits: { depth: 2 } }).list()
    assert.equal(flat.models.length, 40)
    assert.match(flat.notices[0]?.message ?? '', /deeper than 2 folders/)
    const short = await open({ folders, limits: { timeMs: 0 } }).list()
    assert.ok(short.notices.length > 0)
    assert.ok(short.notices.every(({ kind }) => kind === 'limit'))
  })
})

describe('a file', () => {
  const folders = () => [at('models')]

  it('that only goes with a model is none, and is not told', async () => {
    const put = (name: string, more = {}) => putFile(at('models', `${name}.gguf`), named(name, more))
    await put('model')
    await put('mmproj-model-f16', { 'general.architecture': text('clip') })
    await put('lora', { 'general.type': text('adapter') })
    await put('imatrix', { 'general.type': text('imatrix') })
    await put('picture', {
      'general.architecture': text('flux'),
      'tokenizer.ggml.model': text(''),
      'tokenizer.ggml.tokens': { type: 'texts', value: [] },
    })
    await put('vectors', { 'general.architecture': text('nomic-bert') })
    const { models, notices } = await open({ folders: folders() }).list()
    assert.deepEqual(
      models.map(({ name, header }) => `${name} ${header.kind}`).sort(),
      ['model text', 'picture text', 'vectors encoder'].sort(),
    )
    assert.deepEqual(notices, [])
  })

  it('in parts is one model of their whole size, if all are there', async () => {
    const part = (name: string, no: number, of: number) => {
      const metadata = { 'split.no': uint32(no - 1), 'split.count': uint32(of) }
      const file = `${name}-0000${no}-of-0000${of}.gguf`
      return putFile(at('models', file), named(file, metadata))
    }
    const sizes = []
    for (const no of [1, 2, 3]) sizes.push((await stat(await part('whole', no, 3))).size)
    await part('lacking', 1, 2)
    await part('broken', 1, 2)
    await putFile(at('models/broken-00002-of-00002.gguf'), randomBytes(10_000))
    await putFile(at('models/alone.gguf'), named('alone', { 'split.count': uint32(2) }))
    const { models, notices } = await open({ folders: folders() }).list()
    assert.deepEqual(
      models.map(({ name, sizeBytes }) => [name, sizeBytes]),
      [['whole', sizes.reduce((sum, size) => sum + size)]],
    )
    assert.equal(models[0]?.header.parameters, '222K')
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['incomplete', 'incomplete', 'incomplete'],
    )
    assert.match(notices.map(({ message }) => message).join('\n'), /lacks part 2 of 2/)
    assert.equal(toPartPath('/a/x.gguf', 2), undefined)
  })

  it('of random bytes, or cut short, is told and is no model', async () => {
    await putFile(at('models/noise.gguf'), randomBytes(10_000))
    await putFile(at('models/empty.gguf'), '')
    await putFile(at('models/cut.gguf'), named('cut').subarray(0, 9_000))
    await putFile(at('models/good.gguf'), named('good'))
    const { models, notices } = await open({ folders: folders() }).list()
    assert.deepEqual(
      models.map(({ name }) => name),
      ['good'],
    )
    assert.deepEqual(
      notices.map(({ kind, path }) => `${kind} ${path}`).sort(),
      ['cut', 'empty', 'noise'].map((name) => `broken ${at('models', `${name}.gguf`)}`),
    )
  })

  it('that comes, changes or goes away is noticed at the next look', async () => {
    const disk = open({ folders: folders() })
    assert.deepEqual((await disk.list()).models, [])
    const path = await putFile(at('models/one.gguf'), named('1'))
    assert.deepEqual(await namesOf(disk), ['one'])
    await writeFile(path, modelBytes({ 'general.file_type': uint32(7) }))
    assert.equal((await disk.list()).models[0]?.header.quantization, 'Q8_0')
    await writeFile(path, named('1').subarray(0, 9_000))
    assert.equal((await disk.list()).notices[0]?.kind, 'broken')
    await writeFile(path, named('1'))
    await rename(path, at('models/two.gguf'))
    assert.deepEqual(await namesOf(disk), ['two'])
    await unlink(at('models/two.gguf'))
    assert.deepEqual(await namesOf(disk), [])
  })

  it('is looked into once, until it is another', async () => {
    const path = await putFile(at('models/one.gguf'), named('1'))
    assert.deepEqual(await namesOf(open({ folders: folders() })), ['one'])
    const { size } = await stat(path)
    await writeFile(path, randomBytes(size))
    await age(path)
    assert.deepEqual(await namesOf(open({ folders: folders() })), ['one'])
    await putFile(path, randomBytes(size + 1))
    assert.deepEqual(await namesOf(open({ folders: folders() })), [])
  })

  it('of anybody’s is read by its path', async () => {
    const disk = open()
    const path = await putFile(at('models/one.gguf'), named('1'))
    assert.equal((await disk.read(path))?.header.architecture, 'llama')
    assert.equal(await disk.read(at('models')), undefined)
    assert.equal(await disk.read(at('nowhere')), undefined)
    assert.equal(await disk.read(await putFile(at('noise'), randomBytes(10_000))), undefined)
  })
})

describe('a name', () => {
  it('that a better known program has already gets the other’s behind it', async () => {
    await ollama('registry.ollama.ai/library/same/latest', ['model', named('1')])
    await putFile(at('.lmstudio/models/a/Same-GGUF/Same-Q4_0.gguf'), named('2'))
    await putFile(at('models/same.gguf'), named('3'))
    await putFile(at('more/models/same.gguf'), named('4'))
    const folders = [at('models'), at('more/models')]
    const { models } = await open({ folders }).list()
    assert.deepEqual(
      models.map(({ name }) => name),
      ['same', 'same@lm-studio', 'same@models', `same@${at('more/models/same.gguf')}`],
    )
    assert.deepEqual((await namesOf(open({ folders }), { taken: new Set(['same']) })).slice(0, 2), [
      'same@ollama',
      'same@lm-studio',
    ])
  })

  it('is one for a file that two programs have', async () => {
    const blob = await ollama('registry.ollama.ai/library/shared/1b', ['model', named('1')])
    await mkdir(at('models'))
    await link(blob, at('models/linked.gguf'))
    await symlink(blob, at('models/pointed.gguf'))
    assert.deepEqual(await namesOf(open({ folders: [at('models')] })), ['shared:1b'])
  })
})

describe('the cache of headers', () => {
  const cacheFile = () => at('lmapp-cache/models-on-disk.json')

  it('that is broken in any way is as none', async () => {
    await putFile(at('models/one.gguf'), named('1'))
    await ollama('registry.ollama.ai/library/a/latest', ['model', named('a')])
    const disk = () => open({ folders: [at('models')] })
    const whole = await disk().list()
    const text = await readFile(cacheFile(), 'utf8')
    const broken = [
      randomBytes(10_000),
      '',
      '[]',
      '{"version":2,"files":{}}',
      '{"version":1,"files":[1,null]}',
      text.replaceAll('"kind":"text"', '"kind":"poem"'),
      text.replaceAll('"memory":{', '"memory":[{').replaceAll('"},"thinks"', '"}],"thinks"'),
      text.replaceAll('"headCountKv":2', '"headCountKv":["x"]'),
      text.replaceAll('"parameterCount":', '"parameterCount":"x","other":'),
      text.replaceAll('"model":"sha256:', '"model":"sha256:../'),
      text.replaceAll('"folders":[]', '"folders":["../.."]'),
      text.replaceAll('"files":["', '"files":["/etc/'),
      text.replaceAll('"value":', '"value":1,"other":'),
    ]
    for (const bytes of broken) {
      await writeFile(cacheFile(), bytes)
      assert.deepEqual(await disk().list(), whole)
    }
  })

  it('is one file of its owner’s, and forgets what is gone', async () => {
    const path = await putFile(at('models/one.gguf'), named('1'))
    const disk = open({ folders: [at('models')] })
    await disk.list()
    assert.equal((await stat(cacheFile())).mode & 0o777, 0o600)
    assert.match(await readFile(cacheFile(), 'utf8'), /one\.gguf/)
    await unlink(path)
    for (let look = 0; look < 3; look += 1) await disk.list()
    assert.doesNotMatch(await readFile(cacheFile(), 'utf8'), /one\.gguf/)
    assert.deepEqual(await readdir(at('lmapp-cache')), ['models-on-disk.json'])
  })

  it('that cannot be written costs only time', async () => {
    await putFile(at('models/one.gguf'), named('1'))
    await writeFile(at('lmapp-cache'), 'a file')
    assert.deepEqual(await namesOf(open({ folders: [at('models')] })), ['one'])
  })
})

describe('a look', () => {
  it('is shared by those who ask at the same time, and by those for whom an earlier one will do', async () => {
    let looks = 0
    let time = 1_000_000
    const disk = open({
      now: () => time,
      folders: [],
    })
    const counting = createDiskModels({
      homeDir: home,
      platform: 'darwin',
      cacheDir: at('lmapp-cache'),
      environment: {},
      now: () => time,
      settings: async () => {
        looks += 1
        return { scan: true, folders: [] }
      },
    })
    assert.deepEqual(await disk.list({ maxAgeMs: 10 }), { models: [], notices: [] })
    await Promise.all([counting.list(), counting.list(), counting.list()])
    assert.equal(looks, 1)
    await counting.list({ maxAgeMs: 1000 })
    assert.equal(looks, 1)
    time += 1000
    await counting.list({ maxAgeMs: 1000 })
    assert.equal(looks, 2)
  })

  it('leaves every file as it was', async () => {
    const blob = await ollama('registry.ollama.ai/library/a/latest', ['model', named('a')])
    const before = await stat(blob)
    await open().list()
    const after = await stat(blob)
    assert.deepEqual([after.ino, after.mtimeMs, after.size], [before.ino, before.mtimeMs, before.size])
    assert.deepEqual((await readdir(home)).sort(), ['.ollama', 'lmapp-cache'])
  })
})
