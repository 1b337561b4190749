// A monthly budget of the resource group, with mail at 80 % of it spent and at 100 % foreseen.
param amount int
param startDate string
param email string

resource budget 'Microsoft.Consumption/budgets@2021-10-01' = {
  name: 'dropscribe'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      mostlySpent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [email]
      }
      willBeExceeded: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [email]
      }
    }
  }
}
