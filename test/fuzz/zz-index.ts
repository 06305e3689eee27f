import { api } from './targets/zz-api.ts'
export const targets = [api]
