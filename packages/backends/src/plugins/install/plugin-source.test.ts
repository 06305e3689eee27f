import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { parsePluginSource } from './plugin-source.ts'

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lmapp-source-'))
  await mkdir(join(directory, 'made', 'bee'), { recursive: true })
  for (const file of ['bee.tgz', 'bee.tar.gz', 'bee.whl', 'notes.txt'])
    await writeFile(join(directory, 'made', file), '')
})
after(() => rm(directory, { recursive: true }))

const parse = (text: string) => parsePluginSource(text, { directory, homeDir: join(directory, 'made') })

describe('parsePluginSource', () => {
  it('takes a path for what lies there', async () => {
    for (const text of ['./made/bee', 'made/bee', '~/bee', join(directory, 'made/bee'), './made/../made/bee/']) {
      assert.deepEqual(await parse(text), { source: { kind: 'folder', from: join(directory, 'made/bee') } }, text)
    }
    assert.deepEqual(await parse('.'), { source: { kind: 'folder', from: directory } })
    for (const file of ['bee.tgz', 'bee.tar.gz', 'bee.whl']) {
      assert.deepEqual(await parse(`made/${file}`), {
        source: { kind: 'tarball', from: join(directory, 'made', file) },
      })
    }
  })

  it('refuses a path where nothing is, or nothing of use', async () => {
    await assert.rejects(parse('./nowhere'), (error) => isLmappError(error, 'not-found'))
    await assert.rejects(parse('made/notes.txt'), (error) => isLmappError(error, 'bad-input'))
  })

  it('reads packages of npm and PyPI, with and without version', async () => {
    for (const [text, kind, from, version] of [
      ['npm:bee', 'npm', 'bee', undefined],
      ['npm:bee@^1.2.0', 'npm', 'bee', '^1.2.0'],
      ['npm:@me/bee', 'npm', '@me/bee', undefined],
      ['npm:@me/bee@next', 'npm', '@me/bee', 'next'],
      ['lmapp-backend-bee', 'npm', 'lmapp-backend-bee', undefined],
      ['lmapp-backend-bee@1.0.0', 'npm', 'lmapp-backend-bee', '1.0.0'],
      ['pypi:lmapp-backend-bee', 'pypi', 'lmapp-backend-bee', undefined],
      ['pypi:bee==1.0', 'pypi', 'bee', '1.0'],
      ['lmapp_backend_bee', 'pypi', 'lmapp_backend_bee', undefined],
      ['lmapp_backend_bee==2.0rc1', 'pypi', 'lmapp_backend_bee', '2.0rc1'],
    ] as const) {
      const expected = { source: { kind, from }, ...(version !== undefined && { version }) }
      assert.deepEqual(await parse(text), expected, text)
    }
  })

  it('refuses what npm or pip would take for something else', async () => {
    for (const text of [
      ...['npm:', 'npm:--help', 'npm:../x', 'npm:/etc', 'npm:a b', 'npm:git+ssh://x/y', 'npm:bee@', 'npm:bee@file:x'],
      ...['npm:bee@npm:other@1', 'npm:me/bee', 'npm:https://x/y.tgz', 'npm:bee\n', 'lmapp-backend-../x'],
      ...['pypi:', 'pypi:-r', 'pypi:bee[extra]', 'pypi:bee @ https://x', 'pypi:bee>=1', 'pypi:bee==', 'pypi:./x'],
      ...['pypi:bee==1;os_name', 'lmapp_backend_bee==-r'],
    ]) {
      await assert.rejects(parse(text), (error) => isLmappError(error, 'bad-input'), text)
    }
  })

  it('leaves a bare name, and a relative path where nothing is, to the registry', async () => {
    for (const text of ['bee', 'made', '', 'nothing/here', 'bee.tgz', 'LMAPP-BACKEND-X']) {
      assert.equal(await parse(text), undefined, text)
    }
  })
})
