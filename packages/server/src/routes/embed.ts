import type { ApiEmbedding } from 'lmapp-client'
import { toVectorBytes } from 'lmapp-kit'
import { sendJson } from '../http/reply.ts'
import { createEmbedding } from '../parse/requests.ts'
import { type Route, withBody } from './route.ts'
import { embeddingSchema } from './schemas/models.ts'

export const embedRoutes: Route[] = [
  withBody({
    method: 'POST',
    path: '/embed',
    access: 'inference',
    doc: {
      summary: 'Turns texts into vectors.',
      answers: { 200: { description: 'One vector for each text.', schema: embeddingSchema } },
    },
    body: createEmbedding,
    async handle({ app, caller, response }, body) {
      const { model, vectors, inputTokens } = await app.embed(caller, body)
      const answer: ApiEmbedding = {
        model,
        dimensions: vectors[0]?.length ?? 0,
        vectors: vectors.map((vector) => Buffer.from(toVectorBytes([vector])).toString('base64')),
        ...(inputTokens !== undefined && { inputTokens }),
      }
      sendJson(response, answer)
    },
  }),
]
