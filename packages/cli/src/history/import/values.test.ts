import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAttachmentReader, imageType, readDataUrl } from './attachments.ts'
import { createNotices } from './notices.ts'
import { toCount, toTime, toTitle } from './values.ts'

describe('a time', () => {
  const moment = '2026-08-14T09:33:20.250Z'
  const cases: [string, unknown, string | undefined][] = [
    ['seconds', 1786700000.25, moment],
    ['milliseconds', 1786700000250, moment],
    ['microseconds', 1786700000250000, moment],
    ['nanoseconds', 1786700000250000000n, moment],
    ['seconds as text', '1786700000.25', moment],
    ['ISO 8601', moment, moment],
    ['ISO 8601 with a zone', '2026-08-14T11:33:20.250+02:00', moment],
    ['as SQLite writes it', '2026-08-14 09:33:20', '2026-08-14T09:33:20.000Z'],
    ['as Go writes it', '2026-08-14 11:33:20.250999999+02:00', moment],
    ['as Python writes it', '2026-08-14 09:33:20.250123+00:00', moment],
    ['with a zone without a colon', '2026-08-14T09:33:20.25+0000', moment],
    ['a day', '2026-08-14', '2026-08-14T00:00:00.000Z'],
    ['nothing', undefined, undefined],
    ['zero', 0, undefined],
    ['before 1970', -5, undefined],
    ['no number', Number.NaN, undefined],
    ['beyond the calendar', 1e30, undefined],
    ['a month that is none', '2026-13-45', undefined],
    ['words', 'yesterday', undefined],
    ['an object', {}, undefined],
  ]
  for (const [name, value, expected] of cases) it(name, () => assert.equal(toTime(value), expected))
})

describe('other values', () => {
  it('a count is a whole number that is not negative', () => {
    assert.deepEqual([1, 2n, -1, 1.5, '3', null, 2n ** 60n].map(toCount), [1, 2, ...Array(5).fill(undefined)])
  })

  it('a title is the first words on one line', () => {
    assert.equal(toTitle('  a\n b  '), 'a b')
    assert.equal(toTitle('🙂'.repeat(100)), `${'🙂'.repeat(59)}…`)
    assert.equal(toTitle(' \n '), undefined)
    assert.equal(toTitle(undefined), undefined)
  })
})

describe('attachments', () => {
  it('images are known by their first bytes', () => {
    const types = [
      '89504e470d0a1a0a',
      'ffd8ffe0',
      '474946383961',
      `${'RIFF'
        .split('')
        .map((c) => c.charCodeAt(0).toString(16))
        .join('')}00000000${'57454250'}`,
      '00',
    ]
    assert.deepEqual(
      types.map((hex) => imageType(Buffer.from(hex, 'hex'))),
      ['image/png', 'image/jpeg', 'image/gif', 'image/webp', undefined],
    )
  })

  it('of one conversation there is a bound', () => {
    const notices = createNotices()
    const reader = createAttachmentReader(notices)
    const bytes = Buffer.alloc(20 * 1024 * 1024, 'x')
    const taken = [1, 2, 3, 4].map(
      (number) => reader.read({ name: `${number}.txt`, mediaType: 'text/csv', bytes }, 'here').length,
    )
    assert.deepEqual(taken, [1, 1, 1, 0])
    assert.match(notices.list[0]?.why ?? '', /of attachments/)
  })

  it('a data address gives its bytes, another none', () => {
    assert.equal(readDataUrl('data:text/plain;charset=utf-8;base64,SGk=')?.bytes.toString(), 'Hi')
    assert.equal(readDataUrl('data:text/plain,Hi'), undefined)
    assert.equal(readDataUrl(`data:${'a;'.repeat(10_000)}`), undefined)
    assert.equal(readDataUrl(`data:${';a'.repeat(90)},x`), undefined)
  })
})
