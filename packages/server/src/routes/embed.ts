import type { ApiEmbedding, CreateEmbedding } from 'lmapp-client'
import { toVectorBytes } from 'lmapp-kit'
import { readJson } from '../http/body.ts'
import { sendJson } from '../http/reply.ts'
import { all, boolean, fields, listOf, nonEmptyString, string } from '../parse/fields.ts'
import type { Route } from './route.ts'

export const embedRoutes: Route[] = [
  {
    method: 'POST',
    path: '/embed',
    guest: 'always',
    async handle({ app, caller, request, response }) {
      const { model, vectors, inputTokens } = await app.embed(caller, parseCreateEmbedding(await readJson(request)))
      const answer: ApiEmbedding = {
        model,
        dimensions: vectors[0]?.length ?? 0,
        vectors: vectors.map((vector) => Buffer.from(toVectorBytes([vector])).toString('base64')),
        ...(inputTokens !== undefined && { inputTokens }),
      }
      sendJson(response, answer)
    },
  },
]

function parseCreateEmbedding(body: unknown): CreateEmbedding {
  return {
    ...all<Pick<CreateEmbedding, 'input'>>({ input: listOf(string) }, body),
    ...fields<Omit<CreateEmbedding, 'input'>>({ model: nonEmptyString, offline: boolean }, body),
  }
}
