/** `docs/plugins.md` prints what `lmapp backends new` makes; here it is made, judged, installed and asked. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, withMock } from '../support/home.ts'

const root = join(import.meta.dirname, '../..')
const languages = [
  { language: 'node', main: 'main.js', block: 'js' },
  { language: 'python', main: 'main.py', block: 'python' },
]

describe('a backend in ten minutes', () => {
  let home: Home
  let docs = ''
  before(async () => {
    home = await createHome(withMock({ echo: {} }))
    docs = await readFile(join(root, 'docs/plugins.md'), 'utf8')
  })
  after(() => home[Symbol.asyncDispose]())

  const blocksOf = (language: string) =>
    [...docs.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text)

  for (const { language, main, block } of languages) {
    it(`in ${language}: it is what the documentation prints, passes the suite, and answers once it is installed`, async () => {
      const name = `parrot-${language}`
      const folder = join(home.dir, name)
      const made = await home.lmapp(['backends', 'new', name, '--language', language, '--json'], { cwd: home.dir })
      assert.equal(made.code, 0, made.stderr)
      assert.equal(JSON.parse(made.stdout).path, folder)

      const read = async (file: string) => (await readFile(join(folder, file), 'utf8')).replaceAll(name, 'parrot')
      const source = await read(main)
      assert.ok(source.trimEnd().split('\n').length <= 40, 'a whole backend has at most 40 lines')
      assert.deepEqual(blocksOf(block), [source])
      if (language === 'node') assert.equal(blocksOf('json')[0], await read('lmapp-backend.json'))

      const judged = await home.lmapp(['backends', 'verify', folder, '--json'])
      const verdicts = judged.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const failed = verdicts.filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped')
      assert.deepEqual(failed, [])
      assert.equal(judged.code, 0)
      assert.ok(verdicts.at(-1).passed > 100)

      const installed = await home.lmapp(['backends', 'install', folder, '--yes'])
      assert.equal(installed.code, 0, installed.stderr)
      const { stdout, stderr } = await home.lmapp(['-m', `${name}/parrot`, '3 times Hello there'])
      assert.equal(stdout, 'Hello there Hello there Hello there\n', stderr)
      const removed = await home.lmapp(['backends', 'remove', name, '--yes'])
      assert.equal(removed.code, 0, removed.stderr)
      assert.equal((await home.lmapp(['-m', `${name}/parrot`, 'Hello'])).code, 4)
    })
  }

  it('is refused without a name, without a language, in an unknown one, and where something is', async () => {
    const make = (...args: string[]) => home.lmapp(['backends', 'new', ...args], { cwd: home.dir })
    assert.equal((await make('My Engine', '--language', 'node')).code, 2)
    assert.match((await make('engine')).stderr, /--language node or python/)
    assert.match((await make('engine', '--language', 'cobol')).stderr, /There is no template for "cobol"/)
    assert.match((await make('parrot-node', '--language', 'node')).stderr, /is there already/)
  })

  it('starts with a copy of the kit that says which one it is', async () => {
    await home.lmapp(['backends', 'new', 'copy', '--language', 'node'], { cwd: home.dir })
    const { name, version } = JSON.parse(
      await readFile(join(home.dir, 'copy/node_modules/lmapp-kit/package.json'), 'utf8'),
    )
    assert.equal(`${name}@${version}`, 'lmapp-kit@0.1.0')
  })
})
