export { startCell } from './cell.ts'
export { CellConfig } from './config.ts'
