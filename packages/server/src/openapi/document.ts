import type { JsonSchema } from '../parse/fields.ts'
import type { Answer, Dialect, Route } from '../routes/route.ts'

/** OpenAPI 3.1, as far as it is used here. */
export interface OpenApiDocument {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, JsonSchema>; securitySchemes: JsonSchema }
}

export interface Operation {
  operationId: string
  tags: string[]
  summary: string
  description: string
  /** Absent: as for the whole document. */
  security?: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { required: true; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

export interface Parameter {
  name: string
  in: 'path' | 'query'
  description: string
  required: boolean
  schema: JsonSchema
}

type Content = Record<string, { schema: JsonSchema; example?: unknown }>

const description = [
  'One API over every engine that runs language models on this machine, in four dialects.',
  'Answers name the run, who answered, and what was left out of the request, in the headers `x-lmapp-run`,',
  '`x-lmapp-backend`, `x-lmapp-model` and `x-lmapp-warning`. A request may say `x-lmapp-history: on`: the conversation is',
  'kept; and `x-lmapp-detach: on`: the answer goes on when the client leaves, and can be joined at',
  '`/lmapp/v1/runs/{id}/events`.',
].join(' ')

const withKey = [{ bearer: [] }, { apiKey: [] }]

/** Describes every route, by the schemas that its requests are checked with. */
export function createDocument(dialects: readonly Dialect[], version: string): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {}
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      const path = toTemplate(route.path)
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: toOperation(route, dialect) }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'lmapp',
      version,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: dialects.map(({ title }) => ({ name: title, description: `The dialect of ${title}.` })),
    security: [{}, ...withKey],
    paths,
    components: {
      schemas: Object.fromEntries(dialects.map((dialect) => [errorName(dialect), dialect.errorSchema])),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A key of `lmapp keys create`.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same, as some clients send it.' },
      },
    },
  }
}

/** For whom nobody without a key is let in, whatever is configured. */
const keyOnly: ReadonlySet<Route['access']> = new Set(['models', 'metrics', 'admin'])

const whoMay: Record<Route['access'], string> = {
  everyone: 'Whoever is let in may ask.',
  inference: 'For guests, and for keys with the scope `chat`.',
  list: 'For guests, and for keys with the scope `chat` or `models`.',
  pull: 'For keys with the scope `models`, and for guests where `serve.allowPull` is set.',
  models: 'For keys with the scope `models`.',
  metrics: 'For all keys.',
  admin: 'For the owner, and for keys with the scope `admin`.',
}

function toOperation(route: Route, dialect: Dialect): Operation {
  const { doc, body, method, path, access } = route
  const example = doc.example === undefined ? {} : { example: doc.example }
  const parameters = toParameters(route)
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(.)?/g, (_all, next = '') => next.toUpperCase())}`,
    tags: [dialect.title],
    summary: doc.summary,
    description: [doc.description, whoMay[access]].filter(Boolean).join(' '),
    ...(keyOnly.has(access) && { security: withKey }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: json(body.schema, example) } }),
    responses: {
      ...Object.fromEntries(Object.entries(doc.answers).map(([status, answer]) => [status, toResponse(answer)])),
      default: {
        description: 'What went wrong.',
        content: json({ $ref: `#/components/schemas/${errorName(dialect)}` }),
      },
    },
  }
}

function toParameters({ path, doc }: Route): Parameter[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    description: doc.params?.[name] ?? '',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }))
  const inQuery = Object.entries(doc.query ?? {}).map(([name, { schema, description, required = false }]) => ({
    name,
    in: 'query' as const,
    description,
    required,
    schema,
  }))
  return [...inPath, ...inQuery]
}

function toResponse({ description, schema, stream }: Answer): Operation['responses'][string] {
  const content = { ...(schema && json(schema)), ...(stream && toStreamContent(stream)) }
  return { description, ...(Object.keys(content).length > 0 && { content }) }
}

/** Of server-sent events the schema is that of one event, of lines that of one line. */
function toStreamContent({ type, schema, lastData }: NonNullable<Answer['stream']>): Content {
  if (type !== 'text/event-stream') return { [type]: { schema } }
  const inJson = { type: 'string', contentMediaType: 'application/json', contentSchema: schema }
  const data = lastData === undefined ? inJson : { anyOf: [inJson, { type: 'string', const: lastData }] }
  const properties = { event: { type: 'string' }, id: { type: 'string' }, data }
  return { [type]: { schema: { type: 'object', required: ['data'], properties } } }
}

function json(schema: JsonSchema, example: { example?: unknown } = {}): Content {
  return { 'application/json': { schema, ...example } }
}

function errorName({ name }: Dialect): string {
  return `${name}-error`
}

/** `/a/:id+` as `/a/{id}`. */
function toTemplate(path: string): string {
  return path.replace(/:(\w+)\+?/g, '{$1}')
}
