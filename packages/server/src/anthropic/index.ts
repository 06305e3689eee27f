import type { Dialect } from '../routes/route.ts'
import { toError } from './errors.ts'
import { messageRoutes } from './routes.ts'
import { errorSchema } from './schemas.ts'

export const anthropic: Dialect = {
  name: 'anthropic',
  title: 'Anthropic',
  routes: messageRoutes,
  toError,
  errorSchema,
}
