import type { Dialect } from '../routes/route.ts'
import { chatRoute } from './chat.ts'
import { embedRoutes } from './embed.ts'
import { errorSchema, toError } from './error.ts'
import { generateRoute } from './generate.ts'
import { libraryRoutes } from './library.ts'
import { modelRoutes } from './models.ts'
import { pullRoute } from './pull.ts'
import { serviceRoutes } from './service.ts'

/** As Ollama's own clients speak it, over every backend. */
export const ollama: Dialect = {
  name: 'ollama',
  title: 'Ollama',
  routes: [...serviceRoutes, ...modelRoutes, chatRoute, generateRoute, ...embedRoutes, pullRoute, ...libraryRoutes],
  toError,
  errorSchema,
}
