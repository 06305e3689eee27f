import type { apiPrefix } from 'lmapp-client'
import { toBody } from '../http/reply.ts'
import { backendRoutes } from './backends.ts'
import { conversationRoutes } from './conversations.ts'
import { embedRoutes } from './embed.ts'
import { keyRoutes } from './keys.ts'
import { metricsRoute } from './metrics.ts'
import { modelRoutes } from './models.ts'
import type { Dialect, Route } from './route.ts'
import { runRoutes } from './runs.ts'
import { errorData } from './schemas/parts.ts'
import { serviceRoutes } from './service.ts'

export const prefix: typeof apiPrefix = '/lmapp/v1'

const own: Route[] = [
  ...serviceRoutes,
  ...runRoutes,
  ...conversationRoutes,
  ...modelRoutes,
  ...embedRoutes,
  ...backendRoutes,
  ...keyRoutes,
]

/** The service's own API, for its fronts. */
export const native: Dialect = {
  name: 'native',
  title: 'lmapp',
  routes: [metricsRoute, ...own.map((route) => ({ ...route, path: prefix + route.path }))],
  toError: (error) => ({ body: toBody(error) }),
  errorSchema: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        ...errorData,
        required: ['code', 'message', 'hint'],
      },
    },
  },
}
