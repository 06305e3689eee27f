import type { Route } from '../../../routes/route.ts'
import { openai } from '../../index.ts'
import { responseRoutes } from '../index.ts'

/** To be imported first: the router is made when the server is. Does nothing once the dialect has these routes. */
const routes = openai.routes as Route[]
if (!routes.some(({ path }) => path === '/v1/responses')) routes.push(...responseRoutes)
