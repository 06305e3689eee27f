import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { bundlesPackages, readNeeds } from './plugin-needs.ts'
import { writeFiles } from './testing/plugin-files.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-needs-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function needs(files: Record<string, string | object>, origin?: string) {
  const texts = Object.entries(files).map(([name, file]) => [
    name,
    typeof file === 'string' ? file : JSON.stringify(file),
  ])
  await writeFiles(folder, Object.fromEntries(texts))
  return readNeeds({ folder, ...(origin !== undefined && { origin }) })
}

describe('what a plugin needs', () => {
  it('is nothing where nothing is said', async () => {
    assert.deepEqual(await needs({}), { npm: {}, python: [] })
    const pyproject = '[tool.ruff]\nline-length = 100\n'
    assert.deepEqual(await needs({ 'package.json': { devDependencies: { a: '1' } }, 'pyproject.toml': pyproject }), {
      npm: {},
      python: [],
    })
  })

  it('of npm are its dependencies, without those that it brings or may do without', async () => {
    const { npm } = await needs({
      'package.json': {
        dependencies: { a: '^1', b: 7, c: '2' },
        optionalDependencies: { d: '3' },
        peerDependencies: { e: '4', f: '5' },
        peerDependenciesMeta: { f: { optional: true } },
        bundleDependencies: ['c'],
      },
    })
    assert.deepEqual(npm, { a: '^1', d: '3', e: '4' })
    assert.deepEqual((await needs({ 'package.json': { dependencies: { a: '1' }, bundledDependencies: true } })).npm, {})
  })

  it('of npm, where they are files, lie where the plugin came from', async () => {
    const files = { 'package.json': { dependencies: { a: 'file:../a', b: 'file:/b' } } }
    assert.deepEqual((await needs(files, '/plugins/bee')).npm, { a: 'file:/plugins/a', b: 'file:/b' })
    assert.deepEqual((await needs(files)).npm, { a: `file:${join(folder, '..', 'a')}`, b: 'file:/b' })
  })

  it('of Python are the project, or else its requirements', async () => {
    assert.deepEqual((await needs({ 'requirements.txt': '\n' })).python, [])
    const requirements = ['--requirement', join(folder, 'requirements.txt')]
    assert.deepEqual((await needs({ 'requirements.txt': 'llm\n' })).python, requirements)
    assert.deepEqual((await needs({ 'pyproject.toml': '[build-system]\n' })).python, [folder])
    assert.deepEqual((await needs({ 'pyproject.toml': '# x\n[project]\nname="x"\n' })).python, [folder])
  })

  it('is read from files that are right, or not at all', async () => {
    await assert.rejects(needs({ 'package.json': '{' }), (error) => isLmappError(error, 'bad-input'))
    assert.deepEqual((await needs({ 'package.json': '[]' })).npm, {})
    assert.deepEqual((await needs({ 'package.json': 'null' })).npm, {})
  })

  it('is not fetched where the plugin bundles it', async () => {
    for (const [bundle, expected] of [
      [['a'], true],
      [true, true],
      [[], false],
      [undefined, false],
    ] as const) {
      await writeFiles(folder, { 'package.json': JSON.stringify({ bundleDependencies: bundle }) })
      assert.equal(await bundlesPackages(folder), expected)
    }
    await rm(join(folder, 'package.json'))
    assert.equal(await bundlesPackages(folder), false)
  })
})
