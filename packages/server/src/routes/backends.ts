import { sendJson } from '../http/reply.ts'
import { queryInteger } from '../parse/requests.ts'
import { param, type Route } from './route.ts'
import { backendLogSchema, backendSchema, backendWithModelsSchema } from './schemas/backends.ts'

const defaultLogLines = 200
const params = { name: 'Id of a backend, as `GET /lmapp/v1/backends` lists it.' }
const thenAnswer = { 200: { description: 'How it is then.', schema: backendWithModelsSchema } }

export const backendRoutes: Route[] = [
  {
    method: 'GET',
    path: '/backends',
    access: 'admin',
    doc: {
      summary: 'The backends, how they are and why.',
      answers: { 200: { description: 'The backends.', schema: { type: 'array', items: backendSchema } } },
    },
    async handle({ app, response, caller }) {
      sendJson(response, await app.backends.list(caller))
    },
  },
  {
    method: 'GET',
    path: '/backends/:name',
    access: 'admin',
    doc: {
      summary: 'One backend, with its models.',
      params,
      answers: { 200: { description: 'The backend.', schema: backendWithModelsSchema } },
    },
    async handle(context) {
      sendJson(context.response, await context.app.backends.show(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'POST',
    path: '/backends/:name/start',
    access: 'admin',
    doc: { summary: 'Starts the engine of a backend.', params, answers: thenAnswer },
    async handle(context) {
      sendJson(context.response, await context.app.backends.start(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'POST',
    path: '/backends/:name/stop',
    access: 'admin',
    doc: { summary: 'Stops an engine that lmapp started.', params, answers: thenAnswer },
    async handle(context) {
      sendJson(context.response, await context.app.backends.stop(context.caller, param(context, 'name')))
    },
  },
  {
    method: 'GET',
    path: '/backends/:name/logs',
    access: 'admin',
    doc: {
      summary: 'The end of the log of a backend.',
      params,
      query: { lines: { schema: { type: 'integer', minimum: 1 }, description: 'How many; default 200.' } },
      answers: { 200: { description: 'The lines.', schema: backendLogSchema } },
    },
    async handle(context) {
      const lines = queryInteger(context.query, 'lines', 1) ?? defaultLogLines
      sendJson(context.response, {
        log: await context.app.backends.logs(context.caller, param(context, 'name'), { lines }),
      })
    },
  },
]
