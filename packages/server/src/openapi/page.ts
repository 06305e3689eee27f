import type { JsonSchema } from '../parse/fields.ts'
import type { OpenApiDocument, Operation } from './document.ts'

/** The document as a page for people: no script, nothing from elsewhere. */
export function toPage({ info, tags, paths }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const sections = tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name))
    return `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2>${own.map(toArticle).join('')}</section>`
  })
  const links = tags.map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`).join(' ')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)} ${escapeHtml(info.version)}: the API</title><style>${style}</style></head>
<body><header><h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1><p>${escapeHtml(info.description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a></p><nav>${links}</nav></header>
<main>${sections.join('')}</main></body></html>
`
}

interface Place {
  path: string
  method: string
  operation: Operation
}

function toArticle({ path, method, operation }: Place): string {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation
  const body = requestBody?.content['application/json']?.schema
  const answers = Object.entries(responses).map(([status, answer]) => {
    const shapes = Object.entries(answer.content ?? {}).map(
      ([type, { schema }]) => `<p class="type">${escapeHtml(type)}</p>${toShape(schema)}`,
    )
    return `<dt>${escapeHtml(status)}</dt><dd>${escapeHtml(answer.description)}${shapes.join('')}</dd>`
  })
  return `<details id="${escapeHtml(operationId)}"><summary><b class="${method}">${method.toUpperCase()}</b>
<code>${escapeHtml(path)}</code> <span>${escapeHtml(summary)}</span></summary>
<p>${toText(description)}</p>
${parameters.length > 0 ? `<h3>Parameters</h3><ul>${parameters.map(toParameter).join('')}</ul>` : ''}
${body ? `<h3>Body</h3>${toShape(body)}` : ''}
<h3>Answers</h3><dl>${answers.join('')}</dl></details>`
}

function toParameter({ name, description, required, schema }: NonNullable<Operation['parameters']>[number]): string {
  return `<li><code>${escapeHtml(name)}</code> <i>${toType(schema)}${required ? ', required' : ''}</i> ${toText(description)}</li>`
}

/** As deep as anybody reads; the document has the rest. */
const deepest = 4

function toShape(schema: JsonSchema, depth = 0): string {
  const { properties, required, items, anyOf, $ref } = schema as {
    properties?: Record<string, JsonSchema>
    required?: string[]
    items?: JsonSchema
    anyOf?: JsonSchema[]
    $ref?: string
  }
  if (depth > deepest) return ''
  if ($ref !== undefined) return `<p class="type">${escapeHtml($ref.split('/').at(-1) ?? '')}</p>`
  if (properties) {
    const rows = Object.entries(properties).map(([name, member]) => {
      const { description } = member
      const words = typeof description === 'string' ? toText(description) : ''
      const must = required?.includes(name) ? ', required' : ''
      return `<li><code>${escapeHtml(name)}</code> <i>${toType(member)}${must}</i> ${words}${toShape(member, depth + 1)}</li>`
    })
    return `<ul>${rows.join('')}</ul>`
  }
  if (items) return toShape(items, depth + 1)
  return (anyOf ?? []).map((each) => toShape(each, depth + 1)).join('')
}

function toType(schema: JsonSchema): string {
  const {
    type,
    enum: values,
    anyOf,
    items,
  } = schema as {
    type?: string | string[]
    enum?: unknown[]
    anyOf?: JsonSchema[]
    items?: JsonSchema
  }
  if ('const' in schema) return escapeHtml(JSON.stringify(schema.const))
  if (values) return values.map((value) => escapeHtml(JSON.stringify(value))).join(' | ')
  if (anyOf) return [...new Set(anyOf.map(toType))].join(' or ')
  if (type === 'array') return `list of ${toType(items ?? {})}`
  return escapeHtml([type ?? 'anything'].flat().join(' or '))
}

/** Words in backticks are code. */
function toText(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const style = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
nav a{margin-right:1rem}
code{font-size:.9em}
details{border:1px solid #8885;border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
summary b{display:inline-block;min-width:4.5rem;font-size:.8rem}
summary span{opacity:.75}
.get{color:#2a7}.post{color:#58d}.patch{color:#b80}.delete{color:#d55}
h3{margin:.8rem 0 .2rem;font-size:1rem}
ul{margin:.2rem 0;padding-left:1.2rem}
i,.type{opacity:.65;font-style:normal;font-size:.9em;margin:.2rem 0}
dt{font-weight:600}`
