export { editDistance, isNear, nearestNames } from './nearest.ts'
