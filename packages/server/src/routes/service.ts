import { sendJson, sendNothing } from '../http/reply.ts'
import type { Route } from './route.ts'
import { serviceHealthSchema } from './schemas/backends.ts'

export const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/health',
    access: 'everyone',
    doc: {
      summary: 'Who this is, and how much it has to do.',
      answers: { 200: { description: 'How it is.', schema: serviceHealthSchema } },
    },
    handle: ({ app, response }) => sendJson(response, app.health()),
  },
  {
    method: 'POST',
    path: '/service/stop',
    access: 'admin',
    doc: {
      summary: 'Ends the service; answers that are being written are kept, as stopped.',
      answers: { 204: { description: 'It ends.' } },
    },
    handle({ app, response }) {
      response.once('close', () => app.stop())
      sendNothing(response)
    },
  },
]
