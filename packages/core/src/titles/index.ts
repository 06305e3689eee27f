export { createTitler, type Titler, type TitlerOptions } from './create-titler.ts'
