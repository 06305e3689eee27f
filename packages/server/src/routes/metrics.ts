import { LmappError } from 'lmapp-kit'
import type { Route } from './route.ts'

export const metricsRoute: Route = {
  method: 'GET',
  path: '/metrics',
  access: 'metrics',
  doc: {
    summary: 'What the service has done since it began, as Prometheus reads it.',
    answers: {
      200: { description: 'In the text format.', stream: { type: 'text/plain', schema: { type: 'string' } } },
    },
  },
  async handle({ app, response }) {
    if (!app.metrics) throw new LmappError('not-found', 'Only `lmapp serve` counts.', { hint: 'Start it: lmapp serve' })
    const { type, text } = await app.metrics.text()
    response.writeHead(200, { 'content-type': type }).end(text)
  },
}
