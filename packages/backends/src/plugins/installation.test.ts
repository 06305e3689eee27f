import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { describeSource, parseInstallation } from './installation.ts'

const whole = {
  format: 1,
  name: 'bee',
  version: '1.0.0',
  source: { kind: 'npm', from: 'lmapp-backend-bee', known: 'bee' },
  sha256: 'a1'.repeat(32),
  directory: 'plugin',
  programs: { python: 'venv/bin/python' },
  installedAt: '2026-01-01T00:00:00.000Z',
}

const parse = (value: unknown) => parseInstallation(typeof value === 'string' ? value : JSON.stringify(value), '/i/bee')

describe('parseInstallation', () => {
  it('reads what was written, and leaves out what it does not know', () => {
    assert.deepEqual(parse({ ...whole, more: 1 }), whole)
    const { programs, ...least } = whole
    assert.ok(programs)
    assert.deepEqual(parse({ ...least, source: { kind: 'folder', from: '/x' } }), {
      ...least,
      source: { kind: 'folder', from: '/x' },
    })
  })

  it('takes nothing that is wrong, absent or leads out of the folder', () => {
    const wrong: Record<string, unknown>[] = [
      { format: 2 },
      { format: undefined },
      { name: 'Bee' },
      { name: undefined },
      { version: '' },
      { source: 'npm' },
      { source: { kind: 'ftp', from: 'x' } },
      { source: { kind: 'npm' } },
      { source: { kind: 'npm', from: 'x', known: 7 } },
      { sha256: 'A1'.repeat(32) },
      { directory: '/etc' },
      { directory: '..' },
      { directory: 'a/../../b' },
      { directory: 'C:x' },
      { directory: '\\\\host\\x' },
      { directory: 'a\0b' },
      { programs: [] },
      { programs: { python: '../python' } },
      { programs: { python: 1 } },
      { installedAt: 5 },
    ]
    for (const change of wrong) {
      assert.throws(
        () => parse({ ...whole, ...change }),
        (error) => isLmappError(error, 'config-invalid') && error.message.startsWith('/i/bee is no record'),
        JSON.stringify(change),
      )
    }
  })

  it('answers every text with a record or config-invalid', () => {
    const text = JSON.stringify(whole)
    const texts = ['', '[]', 'null', '7', '{}', '['.repeat(200_000), `{"a":${'{"a":'.repeat(50_000)}`]
    for (let cut = 1; cut < text.length; cut += 7) texts.push(text.slice(0, cut))
    for (let count = 0; count < 200; count += 1) texts.push(randomBytes(count).toString('latin1'))
    for (const each of texts)
      assert.throws(
        () => parse(each),
        (error) => isLmappError(error, 'config-invalid'),
      )
  })
})

describe('describeSource', () => {
  it('says it as the command line takes it', () => {
    assert.equal(describeSource({ kind: 'npm', from: 'x' }), 'npm:x')
    assert.equal(describeSource({ kind: 'pypi', from: 'x', known: 'y' }), 'pypi:x')
    assert.equal(describeSource({ kind: 'folder', from: '/x' }), '/x')
    assert.equal(describeSource({ kind: 'tarball', from: '/x.tgz' }), '/x.tgz')
  })
})
