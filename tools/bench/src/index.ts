export { goals, judge, type Goal, type GoalResult } from './goals.js';
export type { BenchReport } from './report/report.js';
export type { Scenario, ScenarioContext, ScenarioResult } from './scenario.js';
