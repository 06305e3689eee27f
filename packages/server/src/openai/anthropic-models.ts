import type { ApiModel } from 'lmapp-client'
import { badField, type JsonSchema } from '../parse/fields.ts'
import { queryInteger } from '../parse/requests.ts'

/** The list of models as clients of Anthropic read it, a page at a time. */

export const anthropicModelSchema: JsonSchema = {
  type: 'object',
  required: ['type', 'id', 'display_name', 'created_at', 'max_input_tokens', 'max_tokens', 'capabilities'],
  properties: {
    type: { const: 'model' },
    id: { type: 'string' },
    display_name: { type: 'string' },
    created_at: { type: 'string', format: 'date-time', description: 'The beginning of 1970 where it is not known.' },
    max_input_tokens: {
      type: ['integer', 'null'],
      minimum: 0,
      description: 'Of prompt and answer together; null where it is not known.',
    },
    max_tokens: { type: 'null' },
    capabilities: { type: 'null' },
  },
  additionalProperties: false,
}

const idOrNull = { type: ['string', 'null'] }

export const anthropicPageSchema: JsonSchema = {
  type: 'object',
  required: ['data', 'has_more', 'first_id', 'last_id'],
  properties: {
    data: { type: 'array', items: anthropicModelSchema },
    has_more: { type: 'boolean' },
    first_id: idOrNull,
    last_id: idOrNull,
  },
  additionalProperties: false,
}

const usualLimit = 20
const longestPage = 1000

/** Throws `bad-input` for a limit or an id that is none. */
export function toAnthropicPage(models: readonly ApiModel[], query: URLSearchParams): Record<string, unknown> {
  const limit = readLimit(query)
  const { start, end, hasMore } = toRange(models, query, limit)
  const data = models.slice(start, end).map((model) => toAnthropicModel(model.ref, model))
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}

/** Throws `bad-input`. */
export function readLimit(query: URLSearchParams): number {
  const limit = queryInteger(query, 'limit', 1) ?? usualLimit
  if (limit > longestPage) throw badField('limit', `a whole number from 1 to ${longestPage}`)
  return limit
}

export function toAnthropicModel(id: string, { name, modifiedAt, contextLength }: ApiModel) {
  const modified = new Date(modifiedAt ?? 0)
  const createdAt = Number.isNaN(modified.getTime()) ? new Date(0) : modified
  return {
    type: 'model',
    id,
    display_name: name,
    created_at: createdAt.toISOString(),
    max_input_tokens: contextLength ?? null,
    max_tokens: null,
    capabilities: null,
  }
}

function toRange(models: readonly ApiModel[], query: URLSearchParams, limit: number) {
  const before = placeOf('before_id', models, query)
  if (before !== undefined) {
    const start = Math.max(0, before - limit)
    return { start, end: before, hasMore: start > 0 }
  }
  const start = (placeOf('after_id', models, query) ?? -1) + 1
  return { start, end: start + limit, hasMore: start + limit < models.length }
}

function placeOf(name: string, models: readonly ApiModel[], query: URLSearchParams): number | undefined {
  const id = query.get(name)
  if (id === null || id === '') return undefined
  const place = models.findIndex(({ ref }) => ref === id)
  if (place < 0) throw badField(name, 'the id of a model')
  return place
}
