import type { Dialect, Route } from '../routes/route.ts'
import { createDocument, type OpenApiDocument } from './document.ts'
import { toPage } from './page.ts'

const documentSchema = {
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  properties: { openapi: { const: '3.1.0' }, info: { type: 'object' }, paths: { type: 'object' } },
}

/** The document of all dialects, and a page to read it. */
export function createDocumentRoutes(dialects: () => readonly Dialect[]): Route[] {
  let made: OpenApiDocument | undefined
  const documentOf = (version: string): OpenApiDocument => {
    if (made?.info.version !== version) made = createDocument(dialects(), version)
    return made
  }
  return [
    {
      method: 'GET',
      path: '/openapi.json',
      access: 'everyone',
      doc: {
        summary: 'This document.',
        answers: { 200: { description: 'OpenAPI 3.1.', schema: documentSchema } },
      },
      handle({ app, response }) {
        const body = JSON.stringify(documentOf(app.version))
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(body)
      },
    },
    {
      method: 'GET',
      path: '/docs',
      access: 'everyone',
      doc: {
        summary: 'The same for people.',
        answers: { 200: { description: 'A page.', stream: { type: 'text/html', schema: { type: 'string' } } } },
      },
      handle({ app, request, response }) {
        const page = toPage(documentOf(app.version), `http://${request.headers.host ?? 'localhost'}`)
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
        })
        response.end(page)
      },
    },
  ]
}
