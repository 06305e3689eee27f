import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { LmappError } from 'lmapp-kit'
import { dialects } from '../routes/dialects.ts'
import { createRandom, type Random, spoil, toValue } from '../testing/schema-values.ts'
import type { Parser } from './fields.ts'

/** Where a parser refuses what its schema takes: rules between fields, or of what a text holds. */
interface Stricter {
  /** Of the route. */
  paths: RegExp
  /** The place that the refusal names. */
  place: RegExp
  why: string
}

const conversations = /^\/lmapp\/v1\/conversations/
const dataUrls = 'what a data: URL holds is looked into'
const stricter: readonly Stricter[] = [
  { paths: conversations, place: /(before|At)$/, why: 'a day that no month has, and a year that no store sorts' },
  {
    paths: conversations,
    place: /^(conversations\[\d+\]\.)?tags/,
    why: 'without what is no letter a tag may be empty',
  },
  { paths: /chat/, place: /^messages\[\d+\]\.tool_call_id$/, why: 'a result names the call that it answers' },
  {
    paths: /chat/,
    place: /^messages\[\d+\]\.content$/,
    why: 'an answer has something: texts or calls, one of many fields',
  },
  { paths: /chat|responses/, place: /^tool_choice/, why: 'what must be called is among the tools' },
  { paths: /completions/, place: /\.(url|file_data)$/, why: dataUrls },
  { paths: /responses/, place: /\.(image_url|file_data)$/, why: dataUrls },
  { paths: /responses/, place: /^input\[\d+\]\.content$/, why: 'only users show images and files' },
  { paths: /^\/v1\/responses$/, place: /^store$/, why: 'what is written in the background must be kept' },
  { paths: /^\/api\/(chat|generate)$/, place: /images\[\d+\]$/, why: 'its first bytes say of what type an image is' },
]

/** Where the handler refuses what the parser let through, in better words. */
const later = [{ path: '/lmapp/v1/keys', keyword: '#/properties/name/pattern' }]

const rounds = 4000
const bodies = dialects.flatMap(({ routes }) =>
  routes.flatMap(({ method, path, body }) => (body ? [{ name: `${method} ${path}`, path, body }] : [])),
)
const used = new Set<Stricter>()

describe('what the document says of a body', () => {
  for (const [index, { name, path, body }] of bodies.entries()) {
    it(`is what is taken: ${name}`, () => {
      const isDescribed = new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(body.schema)
      const random = createRandom(index + 1000)
      const differences: string[] = []
      let taken = 0
      for (let round = 0; round < rounds; round++) {
        const value = create(body, random, round)
        const told = `${JSON.stringify(value)?.slice(0, 600)}`
        const refusal = refusalOf(body, value)
        if (refusal === undefined) {
          taken += 1
          const isLate = () =>
            isDescribed.errors?.every(({ schemaPath }) =>
              later.some((each) => each.path === path && each.keyword === schemaPath),
            )
          if (!isDescribed(value) && !isLate())
            differences.push(`taken, and not described: ${told}\n${JSON.stringify(isDescribed.errors)}`)
        } else if (isDescribed(value)) {
          const known = stricter.find(({ paths, place }) => paths.test(path) && place.test(refusal.place))
          if (known) used.add(known)
          else differences.push(`described, and refused: ${refusal.message}\n${told}`)
        }
      }
      assert.deepEqual(differences, [])
      assert.ok(taken >= rounds / 10, `only ${taken} of ${rounds} were taken: that proves little`)
    })
  }

  it('is less than what is refused only where this is known and has a reason', () => {
    assert.deepEqual(
      stricter.filter((each) => !used.has(each)),
      [],
    )
  })
})

/** As it comes over the wire: half of them as they should be, half of them spoiled. */
function create({ schema }: Parser<unknown>, random: Random, round: number): unknown {
  const value = toValue(schema, random)
  return JSON.parse(JSON.stringify(round % 2 === 0 ? value : spoil(value, random)))
}

/** A refusal is one of the client's, and names the place. */
function refusalOf(body: Parser<unknown>, value: unknown): { place: string; message: string } | undefined {
  try {
    body(value, '')
    return undefined
  } catch (error) {
    assert.ok(error instanceof LmappError, `${error instanceof Error ? error.stack : error}`)
    assert.equal(error.entry.http, 400, error.message)
    const { field } = error.details ?? {}
    assert.ok(typeof field === 'string' && field !== '', error.message)
    return { place: field, message: error.message }
  }
}
