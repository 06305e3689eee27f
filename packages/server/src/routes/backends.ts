import { sendJson } from '../http/reply.ts'
import { queryInteger } from '../parse/requests.ts'
import { param, type Route } from './route.ts'

const defaultLogLines = 200

export const backendRoutes: Route[] = [
  {
    method: 'GET',
    path: '/backends',
    async handle({ app, response, caller }) {
      sendJson(response, await app.backends.list(caller))
    },
  },
  {
    method: 'GET',
    path: '/backends/:name',
    async handle(context) {
      sendJson(context.response, await context.app.backends.show(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'POST',
    path: '/backends/:name/start',
    async handle(context) {
      sendJson(context.response, await context.app.backends.start(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'POST',
    path: '/backends/:name/stop',
    async handle(context) {
      sendJson(context.response, await context.app.backends.stop(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'GET',
    path: '/backends/:name/logs',
    async handle(context) {
      const lines = queryInteger(context.query, 'lines', 1) ?? defaultLogLines
      sendJson(context.response, {
        log: await context.app.backends.logs(context.caller, param(context, 'name'), { lines }),
      })
    },
  },
]
