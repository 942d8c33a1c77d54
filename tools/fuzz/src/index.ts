export { runCampaign, type CampaignOptions, type CampaignReport } from './run/campaign.js';
export { startTarget, type Target } from './target/target.js';
