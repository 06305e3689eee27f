import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { findKnown, parseRegistry } from './registry.ts'

const sha256 = 'AB'.repeat(32)
const registry = {
  format: 1,
  comment: 'ignored',
  backends: {
    bee: { description: 'A bee.', source: 'npm:lmapp-backend-bee', homepage: 'https://bee', sha256, more: 1 },
    wasp: { source: 'pypi:lmapp-backend-wasp==1.0' },
    ant: { description: '', source: 'plugins/ant' },
  },
}

describe('a registry', () => {
  it('knows where names come from', async () => {
    const parsed = parseRegistry(JSON.stringify(registry), '/lists/registry.json')
    const bee = { description: 'A bee.', source: 'npm:lmapp-backend-bee', homepage: 'https://bee' }
    assert.deepEqual(parsed.backends.get('bee'), { ...bee, sha256: sha256.toLowerCase() })
    assert.deepEqual(await findKnown(parsed, 'bee'), {
      source: { kind: 'npm', from: 'lmapp-backend-bee', known: 'bee' },
      sha256: sha256.toLowerCase(),
    })
    assert.deepEqual(await findKnown(parsed, 'wasp'), {
      source: { kind: 'pypi', from: 'lmapp-backend-wasp', known: 'wasp' },
      version: '1.0',
    })
    assert.equal(await findKnown(parsed, 'toString'), undefined)
    await assert.rejects(findKnown(parsed, 'ant'), (error) => isLmappError(error, 'not-found'))
  })

  it('on this machine names folders relative to itself, one elsewhere names none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-registry-'))
    try {
      await mkdir(join(folder, 'plugins', 'ant'), { recursive: true })
      const text = JSON.stringify(registry)
      assert.deepEqual(await findKnown(parseRegistry(text, join(folder, 'registry.json')), 'ant'), {
        source: { kind: 'folder', from: join(folder, 'plugins', 'ant'), known: 'ant' },
      })
      const remote = parseRegistry(text, 'https://example.org/registry.json')
      await assert.rejects(findKnown(remote, 'ant'), (error) => isLmappError(error, 'config-invalid'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('that is wrong says where and why', () => {
    const withEntry = (name: string, entry: unknown) => JSON.stringify({ format: 1, backends: { [name]: entry } })
    for (const text of [
      ...['', '[]', '7', '{}', '{"format":2,"backends":{}}', '{"format":1}', '{"format":1,"backends":[]}'],
      withEntry('Bee', { source: 'npm:x' }),
      withEntry('bee', 'npm:x'),
      withEntry('bee', {}),
      withEntry('bee', { source: '' }),
      withEntry('bee', { source: 'npm:x', description: 1 }),
      withEntry('bee', { source: 'npm:x', sha256: 'abc' }),
      '['.repeat(100_000),
      randomBytes(500).toString('latin1'),
    ]) {
      const isRight = (error: unknown) => isLmappError(error, 'config-invalid') && error.message.startsWith('/r.json ')
      assert.throws(() => parseRegistry(text, '/r.json'), isRight, text.slice(0, 80))
    }
  })
})
