import type { Dialect } from '../routes/route.ts'
import { chatRoute } from './chat/route.ts'
import { completionRoute } from './completions/route.ts'
import { embeddingRoute } from './embeddings.ts'
import { errorSchema, toError } from './error.ts'
import { modelRoutes } from './models.ts'
import { responseRoutes } from './responses/index.ts'

export const openai: Dialect = {
  name: 'openai',
  title: 'OpenAI',
  routes: [chatRoute, completionRoute, embeddingRoute, ...modelRoutes, ...responseRoutes],
  toError,
  errorSchema,
}
