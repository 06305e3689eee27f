import type { ApiModel } from 'lmapp-client'
import { sendJson } from '../http/reply.ts'
import type { JsonSchema } from '../parse/fields.ts'
import { type Context, param, type Route } from '../routes/route.ts'
import {
  anthropicModelSchema,
  anthropicPageSchema,
  readLimit,
  toAnthropicModel,
  toAnthropicPage,
} from './anthropic-models.ts'

const modelSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'object', 'created', 'owned_by'],
  properties: {
    id: { type: 'string', description: 'What `model` of a request takes: backend/model.' },
    object: { const: 'model' },
    created: { type: 'integer', description: 'Unix time in seconds; 0 where it is not known.' },
    owned_by: { type: 'string', description: 'The backend; `alias` for a name of the configuration.' },
  },
  additionalProperties: false,
}

const listSchema: JsonSchema = {
  type: 'object',
  required: ['object', 'data'],
  properties: { object: { const: 'list' }, data: { type: 'array', items: modelSchema } },
  additionalProperties: false,
}

const paging = 'With the header `anthropic-version` only.'

export const modelRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/models',
    access: 'list',
    doc: {
      summary: 'The models of all backends: those that can answer now first.',
      description: "With the header `anthropic-version` in Anthropic's shape.",
      query: {
        limit: {
          schema: { type: 'integer', minimum: 1, maximum: 1000 },
          description: `How many at most; default 20. ${paging}`,
        },
        after_id: { schema: { type: 'string' }, description: `Those that stand behind this one. ${paging}` },
        before_id: { schema: { type: 'string' }, description: `Those that stand just before this one. ${paging}` },
      },
      answers: { 200: { description: 'The models.', schema: { anyOf: [listSchema, anthropicPageSchema] } } },
    },
    async handle(context) {
      const { app, caller, response, query } = context
      const [listed, aliases] = await Promise.all([app.models.list(caller, {}), app.models.aliases(caller)])
      readLimit(query)
      const models = [...aliases.map(toAliasModel), ...listed]
      if (speaksAnthropic(context)) return sendJson(response, toAnthropicPage(models, query))
      sendJson(response, { object: 'list', data: models.map((model) => toModel(model.ref, model)) })
    },
  },
  {
    method: 'GET',
    path: '/v1/models/:id+',
    access: 'list',
    doc: {
      summary: 'One model, by any of its names.',
      params: { id: 'A model reference: an alias, backend/model, or a name.' },
      description: "Its id may have slashes. With the header `anthropic-version` in Anthropic's shape.",
      answers: { 200: { description: 'The model.', schema: { anyOf: [modelSchema, anthropicModelSchema] } } },
    },
    async handle(context) {
      const id = param(context, 'id')
      const model = await context.app.models.show(context.caller, id)
      sendJson(context.response, speaksAnthropic(context) ? toAnthropicModel(id, model) : toModel(id, model))
    },
  },
]

/** What its owner named goes first: it is what is meant to be used. */
function toAliasModel({ name }: { name: string }): ApiModel {
  return { id: name, ref: name, backend: 'alias', name }
}

function speaksAnthropic({ request }: Context): boolean {
  return request.headers['anthropic-version'] !== undefined
}

function toModel(id: string, { modifiedAt, backend }: ApiModel): Record<string, unknown> {
  const modified = Math.floor(Date.parse(modifiedAt ?? '') / 1000)
  return { id, object: 'model', created: Number.isFinite(modified) ? modified : 0, owned_by: backend }
}
