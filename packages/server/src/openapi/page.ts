import type { OpenApiDocument, Operation } from './document.ts'
import { escapeHtml, toWords } from './html.ts'
import { toShape, toType } from './shape.ts'

/** The document as a page for people: no script, nothing from elsewhere. `origin`: where the service is for its reader. */
export function toPage(document: OpenApiDocument, origin: string): string {
  const { info, tags } = document
  const title = `${escapeHtml(info.title)} ${escapeHtml(info.version)}`
  const links = tags.map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`).join(' ')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}: the API</title><style>${style}</style></head>
<body><header><h1>${title}</h1><p>${toWords(info.description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a></p><nav>${links}</nav></header>
<main>${tags.map(({ name }) => toSection(name, document, origin)).join('')}</main></body></html>
`
}

interface Place {
  path: string
  method: string
  operation: Operation
}

function toSection(name: string, { paths }: OpenApiDocument, origin: string): string {
  const own = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(name))
      .map(([method, operation]) => ({ path, method, operation })),
  )
  const examples = own.flatMap((place) => toExample(place, origin))
  return `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2>${examples.join('')}${own.map(toArticle).join('')}</section>`
}

/** How it is asked from a shell. */
function toExample({ path, method, operation }: Place, origin: string): string[] {
  const example = operation.requestBody?.content['application/json']?.example
  if (example === undefined) return []
  const lines = [
    `curl -X ${method.toUpperCase()} ${origin}${path}`,
    `-H 'content-type: application/json'`,
    `-d '${JSON.stringify(example).replaceAll("'", `'\\''`)}'`,
  ]
  return [`<pre>${escapeHtml(lines.join(' \\\n  '))}</pre>`]
}

function toArticle({ path, method, operation }: Place): string {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation
  const body = requestBody?.content['application/json']?.schema
  return `<details id="${escapeHtml(operationId)}"><summary><b class="${method}">${method.toUpperCase()}</b>
<code>${escapeHtml(path)}</code> <span>${escapeHtml(summary)}</span></summary>
<p>${toWords(description)}</p>
${parameters.length > 0 ? `<h3>Parameters</h3><ul>${parameters.map(toParameter).join('')}</ul>` : ''}
${body ? `<h3>Body</h3>${toShape(body)}` : ''}
<h3>Answers</h3><dl>${Object.entries(responses).map(toAnswer).join('')}</dl></details>`
}

function toParameter({ name, description, required, schema }: NonNullable<Operation['parameters']>[number]): string {
  return `<li><code>${escapeHtml(name)}</code> <i>${toType(schema)}${required ? ', required' : ''}</i> ${toWords(description)}</li>`
}

function toAnswer([status, { description, content = {} }]: [string, Operation['responses'][string]]): string {
  const shapes = Object.entries(content).map(
    ([type, { schema }]) => `<details><summary><i>${escapeHtml(type)}</i></summary>${toShape(schema)}</details>`,
  )
  return `<dt>${escapeHtml(status)}</dt><dd>${toWords(description)}${shapes.join('')}</dd>`
}

const style = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
nav a{margin-right:1rem}
code,pre{font-size:.9em;overflow-wrap:anywhere}
pre{background:#8882;padding:.6rem .8rem;border-radius:.4rem;overflow-x:auto}
section>details{border:1px solid #8885;border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
summary b{display:inline-block;min-width:4.5rem;font-size:.8rem}
summary span{opacity:.75}
li details{display:inline}
li details[open]{display:block}
.get{color:#2a7}.post{color:#58d}.patch{color:#b80}.delete{color:#d55}
h3{margin:.8rem 0 .2rem;font-size:1rem}
ul{margin:.2rem 0;padding-left:1.2rem}
i{opacity:.65;font-style:normal;font-size:.9em}
dt{font-weight:600}
dd{margin:0 0 .4rem 1.2rem}`
