import type { ApiModel } from 'lmapp-client'
import { sendJson } from '../http/reply.ts'
import { toWarningHeader } from '../http/warning-header.ts'
import { anything, boolean, type JsonSchema, lenient, type Read, string } from '../parse/fields.ts'
import { notingLeftOut } from '../parse/left-out.ts'
import { type Context, type Route, withBody } from '../routes/route.ts'
import {
  capabilitiesSchema,
  describeModel,
  detailsSchema,
  modelProperties,
  toCapabilities,
  toDetails,
  toModifiedAt,
} from './describe-model.ts'
import { toModelfile, toModelInfo } from './model-info.ts'
import { withModel } from './model-name.ts'
import { nameFields, needingModel } from './named-model.ts'

const isEmpty = (value: unknown) => value === '' || Object.keys(value as object).length === 0
const showRequest = notingLeftOut(
  needingModel(lenient({}, { ...nameFields, verbose: boolean, system: string, template: string, options: anything })),
  {
    verbose: { why: 'all that is known is told anyway', unless: (value) => value === false },
    system: { why: 'it is not part of the model', unless: isEmpty },
    template: { why: 'the one of the model is told', unless: isEmpty },
    options: { why: 'they are not part of the model', unless: isEmpty },
  },
)

/** Of a model that stays in memory until something else needs it. Ollama's command line shows it as "Forever". */
const never = '2318-01-01T00:00:00Z'

export const modelRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/tags',
    access: 'list',
    doc: {
      summary: 'The models of all backends, and their names in the configuration.',
      answers: { 200: listOf(modelProperties) },
    },
    async handle({ app, caller, response }) {
      const [models, aliases] = await Promise.all([app.models.list(caller, {}), app.models.aliases(caller)])
      const named = aliases.flatMap((alias) => describeAlias(alias, models) ?? [])
      sendJson(response, { models: [...models.map(describeModel), ...named] })
    },
  },
  {
    method: 'GET',
    path: '/api/ps',
    access: 'list',
    doc: {
      summary: 'The models that are in memory.',
      answers: {
        200: listOf({
          ...modelProperties,
          expires_at: { type: 'string', format: 'date-time', description: 'Not known here: far away.' },
          size_vram: { type: 'integer', minimum: 0, description: 'Not known here: 0.' },
          context_length: {
            type: 'integer',
            minimum: 0,
            description: 'The most that it can be asked for; 0: not known.',
          },
        }),
      },
    },
    async handle({ app, caller, response }) {
      const models = await app.models.list(caller, {})
      sendJson(response, { models: models.filter(({ loaded }) => loaded).map(describeLoaded) })
    },
  },
  withBody({
    method: 'POST',
    path: '/api/show',
    access: 'list',
    doc: {
      summary: 'One model.',
      answers: {
        200: {
          description: 'What is known of it.',
          schema: {
            type: 'object',
            required: ['modelfile', 'parameters', 'template', 'details', 'model_info', 'capabilities', 'modified_at'],
            properties: {
              license: { type: 'string' },
              modelfile: { type: 'string' },
              parameters: { type: 'string' },
              template: { type: 'string' },
              details: detailsSchema,
              model_info: { type: 'object' },
              capabilities: capabilitiesSchema,
              modified_at: modelProperties.modified_at,
            },
            additionalProperties: false,
          },
        },
      },
    },
    body: showRequest,
    handle: show,
  }),
]

async function show({ app, caller, response }: Context, body: Read<typeof showRequest>): Promise<void> {
  const model = await withModel(body.model, (ref) => app.models.show(caller, ref))
  const answer = {
    ...(model.license !== undefined && { license: model.license }),
    modelfile: toModelfile(model),
    parameters: '',
    template: model.template ?? '',
    details: toDetails(model),
    model_info: toModelInfo(model),
    capabilities: toCapabilities(model),
    modified_at: toModifiedAt(model),
  }
  sendJson(response, answer, 200, toWarningHeader(body.ignored))
}

/** As the first of those that it stands for, as far as they are listed. */
function describeAlias({ name, refs }: { name: string; refs: string[] }, models: readonly ApiModel[]) {
  const isMeant = ({ ref, name: own }: ApiModel) => refs.some((each) => each === ref || each === own)
  const meant = models.find(isMeant)
  return meant && { ...describeModel(meant), name, model: name }
}

function describeLoaded(model: ApiModel) {
  const { modified_at: _modifiedAt, ...described } = describeModel(model)
  return { ...described, expires_at: never, size_vram: 0, context_length: model.contextLength ?? 0 }
}

function listOf(properties: JsonSchema) {
  const required = Object.keys(properties).filter((name) => name !== 'modified_at')
  const items = { type: 'object', required, properties, additionalProperties: false }
  const models = { type: 'array', items }
  const schema = { type: 'object', required: ['models'], properties: { models }, additionalProperties: false }
  return { description: 'Those in memory first.', schema }
}
