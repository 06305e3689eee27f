import { sendJson, sendNothing } from '../http/reply.ts'
import type { Route } from './route.ts'

export const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/health',
    guest: 'always',
    handle: ({ app, response }) => sendJson(response, app.health()),
  },
  {
    method: 'POST',
    path: '/service/stop',
    handle({ app, response }) {
      response.once('close', () => app.stop())
      sendNothing(response)
    },
  },
]
